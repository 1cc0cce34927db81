"""The one place that knows both recipe kinds and component classes: a kind in, an object out."""

from components.layer_groups import layer_groups
from pipeline.build.models import build_model
from pipeline.build.optimizer import build_optimizer
from pipeline.build.pretrained import build_elmo, elmo_layers, start_from_elmo, start_from_vectors

__all__ = [
    "build_elmo",
    "build_model",
    "build_optimizer",
    "elmo_layers",
    "layer_groups",
    "start_from_elmo",
    "start_from_vectors",
]
