"""What a Hugging Face folder says of its model and its texts, as a recipe would say it."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configs.mistakes import explain
from configs.recipe import Recipe
from pipeline.errors import JobError
from pipeline.huggingface import vocabulary

CONFIG, WEIGHTS = "config.json", "model.safetensors"
TOKENIZER = "tokenizer_config.json"
ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
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
LABELLED = ("classify", "multilabel", "tag")


def is_folder(folder: Path) -> bool:
    """Whether `transformers` would read a model there; of any kind."""
    return (folder / CONFIG).is_file() and "model_type" in _json(folder / CONFIG)


def recipe(folder: Path) -> Recipe:
    """A recipe of the same model, with the task that its head was made for.

    Raises:
        JobError: it is no BERT, or one that textmill cannot compute.
    """
    path = folder / CONFIG
    config = _json(path)
    for name, value in READ.items():
        if config.get(name, value) != value:
            raise JobError(f"{path}: textmill reads {name} {value!r}, got {config[name]!r}")
    if (activation := config.get("hidden_act", "gelu")) not in ACTIVATIONS:
        raise JobError(
            f"{path}: textmill reads hidden_act {', '.join(ACTIVATIONS)}, got {activation!r}"
        )
    if missing := [name for name in SIZES if name not in config]:
        raise JobError(
            f"{path} does not say {', '.join(missing)}: is it the config.json of a BERT?"
        )
    model = {ours: config[theirs] for theirs, ours in SIZES.items()}
    model["activation"] = ACTIVATIONS[activation]
    return as_recipe(folder, model, _task(config), spelling(folder) or {})


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
        raise JobError(f"{folder / CONFIG} is of a model that cannot be: {lines}") from error


def labels(folder: Path) -> list[str]:
    """What each output of the head is of; none of a model without labels."""
    config = _json(folder / CONFIG)
    if _task(config) not in LABELLED:
        return []
    return [name for _, name in sorted(config["id2label"].items(), key=lambda pair: int(pair[0]))]


def _task(config: dict[str, Any]) -> str:
    """Its kind. A classifier of one number is a regression there."""
    architecture = (config.get("architectures") or [""])[0]
    kind = TASKS.get(architecture, "masked_language_model")
    if kind != "classify":
        return kind
    alone = len(config.get("id2label", "two")) == 1
    return "regress" if alone else PROBLEMS.get(str(config.get("problem_type")), kind)


def spelling(folder: Path) -> dict[str, bool] | None:
    """The settings in `text` that decide how its words are spelled, or None if it does not say.

    Accents go with capitals, if nothing else is said, as in BERT.
    """
    if exact := vocabulary.normalizer(folder):
        lower, accents = exact["lowercase"], exact["strip_accents"]
    elif (folder / TOKENIZER).is_file():
        said = _json(folder / TOKENIZER)
        lower, accents = said.get("do_lower_case", True), said.get("strip_accents")
    else:
        return None
    return {"lower": lower, "strip_accents": lower if accents is None else accents}


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise JobError(f"{path} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise JobError(f"{path} should hold a mapping, got {type(value).__name__}")
    return value
