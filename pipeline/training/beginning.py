"""How a job begins: its model, with first weights that are drawn, read from files or trained."""

import logging
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from configs.recipe import Recipe
from pipeline import artifacts, build, initial_weights, pretrained_elmo
from pipeline.elmo_files import Elmo
from pipeline.text.tokenizers import load as load_tokenizer
from pipeline.training import distribute
from pipeline.vectors import Coverage

STARTED = "initial_weights.json"  # in the run's folder: what `init_from` came to

log = logging.getLogger("textmill")


class Beginning(NamedTuple):
    model: keras.Model
    elmo: Elmo | None  # that the model contains
    coverage: Coverage | None  # of the vocabulary by pretrained vectors
    started: dict[str, str] | None  # what `init_from` came to


def begin(
    recipe: Recipe,
    prepared: Path,
    labels: list[str],
    ids: np.ndarray,
    strategy: Any,
    earlier: bool,
) -> Beginning:
    """Make the model on the devices of a `tf.distribute` strategy.

    Args: ids, of all tokens of the training texts; earlier, whether to start from the weights that
        `init_from` names, which a job that goes on from a checkpoint does not need.

    Raises:
        JobError: weights that the recipe names are not there, or do not fit.
    """
    vocabulary = load_tokenizer(prepared / "tokenizer").vocabulary
    elmo = pretrained_elmo.wanted(recipe)
    with strategy.scope():
        model = build.build_model(recipe, vocabulary, max(len(labels), 1), elmo)
        build.start_from_elmo(model, elmo)
        counts = np.bincount(ids, minlength=len(vocabulary))
        coverage = build.start_from_vectors(model, recipe, vocabulary, counts)
        started = None
        if earlier:
            started = initial_weights.start(model, recipe, vocabulary, labels, counts)
    return Beginning(model, elmo, coverage, started)


def tell(beginning: Beginning, run_dir: Path, tracking: Any) -> None:
    """Log what the first weights are; keep it too, for when the job goes on from a checkpoint.

    Args: tracking, the run as `pipeline.tracking.open_run` gives it.
    """
    if beginning.started is not None:
        tracking.tags(beginning.started)
        if distribute.is_chief():
            artifacts.write_json(run_dir / STARTED, beginning.started)
    if beginning.coverage:
        log.info("train: pretrained vectors for %s", beginning.coverage)
        tracking.tags({"vectors": beginning.coverage})
