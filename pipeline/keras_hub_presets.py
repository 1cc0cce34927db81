"""BERT as a preset of keras-hub in a folder, to start from as from an earlier run.

keras-hub reads its own files; its layers have our weights under other names. Its GELU is the
approximation by a tanh.
"""

from pathlib import Path
from typing import Any

import numpy as np

from configs.recipe import Recipe
from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.huggingface.settings import as_recipe

CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.weights.h5", "tokenizer.json"
VOCABULARY = "assets/tokenizer/vocabulary.txt"
EPSILON = 1e-12  # of all norms of its BertBackbone
# By our path, theirs; of attention, query, key and value follow each other.
_OUTSIDE = {
    "embeddings/table": "token_embedding/embeddings",
    "embeddings/positions": "position_embedding/embeddings",
    "embeddings/types": "segment_embedding/embeddings",
    "embeddings/norm/gamma": "embeddings_layer_norm/gamma",
    "embeddings/norm/beta": "embeddings_layer_norm/beta",
    "pooler/kernel": "pooled_dense/kernel",
    "pooler/bias": "pooled_dense/bias",
}
_LAYER = {
    "attention/output_kernel": "self_attention_layer/attention_output/kernel",
    "attention/output_bias": "self_attention_layer/attention_output/bias",
    "attention_norm/gamma": "self_attention_layer_norm/gamma",
    "attention_norm/beta": "self_attention_layer_norm/beta",
    "inner/kernel": "feedforward_intermediate_dense/kernel",
    "inner/bias": "feedforward_intermediate_dense/bias",
    "outer/kernel": "feedforward_output_dense/kernel",
    "outer/bias": "feedforward_output_dense/bias",
    "feed_forward_norm/gamma": "feedforward_layer_norm/gamma",
    "feed_forward_norm/beta": "feedforward_layer_norm/beta",
}


def is_preset(folder: Path) -> bool:
    return (folder / CONFIG).is_file() and "registered_name" in artifacts.read_json(folder / CONFIG)


def read(folder: Path) -> tuple[Recipe, list[str], list[str], dict[str, np.ndarray]]:
    """A recipe of the model, the tokens of its vocabulary, no labels, its weights by our paths.

    The heads of a whole task are left where they are.

    Raises:
        JobError: a file is missing or damaged, or it is no BERT.
    """
    files(folder)
    config = artifacts.read_json(folder / CONFIG)
    if config["registered_name"] != "keras_hub>BertBackbone":
        raise JobError(
            f"{folder / CONFIG}: textmill reads a keras_hub>BertBackbone, got"
            f" {config['registered_name']}"
        )
    sizes = config["config"]
    model = {
        "layers": sizes["num_layers"],
        "width": sizes["hidden_dim"],
        "heads": sizes["num_heads"],
        "inner": sizes["intermediate_dim"],
        "positions": sizes["max_sequence_length"],
        "dropout": sizes["dropout"],
        "attention_dropout": sizes["dropout"],
        "epsilon": EPSILON,
        "activation": "gelu_tanh",
    }
    recipe = as_recipe(folder, model, "masked_language_model", spelling(folder) or {})
    tokens = (folder / VOCABULARY).read_text(encoding="utf-8").removesuffix("\n")
    return recipe, tokens.split("\n"), [], _weights(folder, sizes["num_layers"])


def spelling(folder: Path) -> dict[str, bool] | None:
    """The settings in `text` that decide how its words are spelled, or None if it does not say."""
    if not (folder / TOKENIZER).is_file():
        return None
    said = artifacts.read_json(folder / TOKENIZER)["config"]
    return {"lower": said["lowercase"], "strip_accents": said["strip_accents"]}


def content(folder: Path) -> str:
    """What stands for the model."""
    return artifacts.fingerprint([artifacts.checksum(path) for path in files(folder)])


def files(folder: Path) -> list[Path]:
    """What a model is read from.

    Raises:
        JobError: one of these is not there.
    """
    needed = (CONFIG, WEIGHTS, VOCABULARY)
    if missing := [name for name in needed if not (folder / name).is_file()]:
        raise JobError(
            f"{folder} lacks {', '.join(missing)}: write it with save_to_preset of a keras-hub"
            " BertBackbone, and of its BertTokenizer"
        )
    return [folder / name for name in needed]


def _weights(folder: Path, num_layers: int) -> dict[str, np.ndarray]:
    import keras_hub

    try:
        backbone: Any = keras_hub.models.BertBackbone.from_preset(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise JobError(f"keras-hub cannot read {folder}: {error}") from error
    width = backbone.hidden_dim
    theirs = {v.path: _whole(v.numpy(), v.path, width) for v in backbone.weights}
    wanted: dict[str, tuple[str, ...]] = {own: (name,) for own, name in _OUTSIDE.items()}
    for n in range(num_layers):
        ours, layer = f"encoder/layer_{n}", f"transformer_layer_{n}"
        wanted |= {f"{ours}/{own}": (f"{layer}/{name}",) for own, name in _LAYER.items()}
        for kind in ("kernel", "bias"):
            wanted[f"{ours}/attention/qkv_{kind}"] = tuple(
                f"{layer}/self_attention_layer/{name}/{kind}" for name in ("query", "key", "value")
            )
    return {
        own: np.concatenate(
            [_whole(theirs[name], name, backbone.hidden_dim) for name in names], axis=-1
        )
        for own, names in wanted.items()
    }


def _whole(value: np.ndarray, path: str, width: int) -> np.ndarray:
    """Without the axis of their own that heads have there."""
    if "self_attention_layer/" not in path:
        return value
    return value.reshape((width, width) if path.endswith("kernel") else (width,))
