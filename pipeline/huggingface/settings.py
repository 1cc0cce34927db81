"""What a Hugging Face folder says of its model, as a recipe would say it."""

import json
import textwrap
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configs.mistakes import explain
from configs.recipe import Recipe
from pipeline.errors import JobError
from pipeline.huggingface import folders, spelling

# The last four are computed in another way, to the same function.
ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "gelu_python": "gelu",
    "gelu_python_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_accurate": "gelu_tanh",
}
# By their names in config.json, with their names in a recipe.
SIZES = {
    "num_hidden_layers": "layers",
    "hidden_size": "width",
    "num_attention_heads": "heads",
    "intermediate_size": "inner",
    "max_position_embeddings": "positions",
    "layer_norm_eps": "epsilon",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
}
# Of transformers' BertConfig, which config.json may leave out.
DEFAULTS = {
    "num_hidden_layers": 12,
    "hidden_size": 768,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
}
# What has another meaning here, or none: only these values are read.
READ = {
    "model_type": "bert",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "type_vocab_size": 2,
}
TASKS = {
    "BertForSequenceClassification": "classify",
    "BertForTokenClassification": "tag",
    "BertForQuestionAnswering": "span",
}
PROBLEMS = {"regression": "regress", "multi_label_classification": "multilabel"}
MOST_LABELS = 1_000_000
LABELLED = ("classify", "multilabel", "tag")


def recipe(folder: Path) -> Recipe:
    """A recipe of the same model, with the task that its head was made for.

    Raises:
        JobError: it is no BERT, or one that textmill cannot compute.
    """
    path = folder / folders.CONFIG
    config = {**DEFAULTS, **folders.read(path)}
    for name, value in READ.items():
        if config.get(name, value) != value:
            raise JobError(f"{path}: textmill reads {name} {value!r}, got {config[name]!r}")
    architecture = _architecture(config)
    if "model_type" not in config and not architecture.startswith("Bert"):
        raise JobError(f"{path}: textmill reads a BERT, got architectures {architecture!r}")
    if (activation := config["hidden_act"]) not in [*ACTIVATIONS]:
        raise JobError(
            f"{path}: textmill reads hidden_act {', '.join(ACTIVATIONS)}, got {activation!r}"
        )
    model = {ours: config[theirs] for theirs, ours in SIZES.items()}
    model["activation"] = ACTIVATIONS[activation]
    return as_recipe(folder, model, _task(config, path), spelling.read(folder) or {})


def as_recipe(folder: Path, model: dict[str, Any], task: str, text: dict[str, Any]) -> Recipe:
    """Args: model, without its kind; task, its kind; text, without the tokenizer.

    Raises:
        JobError: there is no such model.
    """
    text = {**text, "max_length": model["positions"], "tokenizer": {"kind": "wordpiece"}}
    values = {
        "name": "pretrained",
        "data": {"train": str(folder)},
        "text": text,
        "task": {"kind": task},
        "model": {"kind": "bert", **model},
    }
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        lines = "; ".join(explain(error, values))
        raise JobError(
            f"{folder / folders.CONFIG} is of a model that cannot be: {lines}"
        ) from error


def labels(folder: Path) -> list[str]:
    """What each output of the head is of; none of a model without labels.

    Raises:
        JobError: config.json names them in no way that says which is which.
    """
    path = folder / folders.CONFIG
    config = folders.read(path)
    return _names(config, path) if _task(config, path) in LABELLED else []


def _names(config: dict[str, Any], path: Path) -> list[str]:
    """Without names the outputs are numbered, and two if nothing is said, as in transformers."""
    said = config.get("id2label")
    if said is None:
        number = config.get("num_labels", 2)
        if type(number) is not int or not 1 <= number <= MOST_LABELS:
            raise JobError(f"{path}: num_labels should be a number of labels, got {number!r}")
        said = {str(place): f"LABEL_{place}" for place in range(number)}
    places = [str(place) for place in range(len(said))]
    if not isinstance(said, dict) or {*said} != {*places}:
        raise JobError(
            f"{path}: id2label should name the label of each output from 0 on, got {_short(said)}"
        )
    names = [said[place] for place in places]
    if any(not isinstance(name, str | int | float) for name in names):
        raise JobError(f"{path}: id2label should hold names of labels, got {_short(said)}")
    # As labels of files are spelled: 1 is "1", true is "true".
    return [name if isinstance(name, str) else json.dumps(name) for name in names]


def _short(value: Any) -> str:
    return textwrap.shorten(repr(value), 100)


def _architecture(config: dict[str, Any]) -> str:
    found = config.get("architectures")
    return str(found[0]) if isinstance(found, list) and found else "BertModel"


def _task(config: dict[str, Any], path: Path) -> str:
    """Its kind. A classifier of one number is a regression there."""
    kind = TASKS.get(_architecture(config), "masked_language_model")
    if kind != "classify":
        return kind
    alone = len(_names(config, path)) == 1
    return "regress" if alone else PROBLEMS.get(str(config.get("problem_type")), kind)
