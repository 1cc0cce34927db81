"""A trained BERT as a folder that `transformers` loads, and that answers as it did here."""

import logging
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from configs.data import Text, WordPieceTokenizer
from configs.tasks import Tag
from configs.transformers import Bert
from pipeline import artifacts
from pipeline.earlier_weights import Earlier
from pipeline.errors import JobError
from pipeline.huggingface import folders, settings, shards, vocabulary, weights
from pipeline.text.special import ENDS, MASKS, PAD, STARTS

SPECIAL_TOKENS = "special_tokens_map.json"

log = logging.getLogger("textmill")


def write(earlier: Earlier, folder: Path) -> dict[str, Any]:
    """Write a trained model, its vocabulary and how its texts are cleaned.

    Returns:
        What `config.json` says.

    Raises:
        JobError: the folder is there already, or `transformers` has no such model.
    """
    check(earlier)
    if folder.exists():
        raise JobError(f"{folder} is there already: name a folder that is not")
    recipe = earlier.recipe
    assert isinstance(recipe.model, Bert)
    arrays = weights.write(earlier.weights, recipe.model.layers, recipe.task.kind)
    config = _config(earlier)
    if unlike := differences(recipe.text):
        log.info("huggingface: transformers cleans texts in another way: %s", "; ".join(unlike))
    special = _special(earlier.vocabulary)
    with artifacts.publish(folder, artifacts.fingerprint(str(earlier.folder)), {}) as unfinished:
        save_file(arrays, unfinished / shards.WHOLE, {"format": "pt"})
        lines = "".join(f"{token}\n" for token in earlier.vocabulary)
        (unfinished / vocabulary.LINES).write_bytes(lines.encode())
        artifacts.write_json(unfinished / folders.CONFIG, config)
        artifacts.write_json(
            unfinished / folders.TOKENIZER_CONFIG, _tokenizer(recipe.text) | special
        )
        artifacts.write_json(unfinished / SPECIAL_TOKENS, special)
    return config


def check(earlier: Earlier) -> None:
    """
    Raises:
        JobError: `transformers` has no such model or no such tokenizer.
    """
    recipe, where = earlier.recipe, earlier.folder
    if not isinstance(recipe.model, Bert):
        raise JobError(
            f"{where} is a model of kind {recipe.model.kind}: only a bert can be written"
        )
    if not isinstance(recipe.text.tokenizer, WordPieceTokenizer):
        raise JobError(
            f"{where} reads tokens of kind {recipe.text.tokenizer.kind}: BERT's tokenizer in"
            " transformers is wordpiece"
        )
    if isinstance(recipe.task, Tag) and recipe.task.decoder != "softmax":
        raise JobError(
            f"{where} decodes tags by a {recipe.task.decoder}, which transformers' BERT lacks:"
            " train it with task.decoder softmax"
        )
    labels = {"classify", "multilabel", "regress"}
    if recipe.task.kind in labels and recipe.model.pooling.kind != "cls":
        raise JobError(
            f"{where} pools its tokens by {recipe.model.pooling.kind}, but transformers' BERT by"
            " cls: train it with model.pooling cls"
        )


def differences(text: Text) -> list[str]:
    """What of our cleaning transformers' tokenizer of BERT cannot do, or does where we do not."""
    found = {
        "text.html is done here alone": text.html,
        "text.unicode nfkc is done here alone": text.unicode == "nfkc",
        "text.drop_controls is done there alone": not text.drop_controls,
        # Accents that are stripped come apart either way.
        "text.unicode nfc is done here alone": text.unicode == "nfc" and not text.strip_accents,
    }
    return [said for said, differs in found.items() if differs]


def _config(earlier: Earlier) -> dict[str, Any]:
    recipe, found = earlier.recipe, earlier.weights
    model = recipe.model
    assert isinstance(model, Bert)
    sizes = {theirs: getattr(model, ours) for theirs, ours in settings.SIZES.items()}
    names = {here: there for there, here in reversed(settings.ACTIVATIONS.items())}
    config = {
        "architectures": [_architecture(set(found))],
        **settings.READ,
        **sizes,
        "intermediate_size": model.inner or 4 * model.width,
        "hidden_act": names[model.activation],
        "vocab_size": len(found["embeddings/table"]),
        "pad_token_id": PAD,
        "classifier_dropout": model.head_dropout,
    }
    problems = {here: there for there, here in settings.PROBLEMS.items()}
    problems["classify"] = "single_label_classification"
    if recipe.task.kind in problems:
        config["problem_type"] = problems[recipe.task.kind]
    if recipe.task.kind in (*problems, "tag"):
        labels = earlier.labels or ["LABEL_0"]
        config["id2label"] = {str(i): label for i, label in enumerate(labels)}
        config["label2id"] = {label: i for i, label in enumerate(labels)}
    return config


def _architecture(paths: set[str]) -> str:
    """The class of transformers that has these weights."""
    if "head/project/kernel" in paths:
        return "BertForSequenceClassification"
    if "head/scores/project/kernel" in paths:
        return "BertForTokenClassification"
    if "head/scores/kernel" in paths:
        return "BertForQuestionAnswering"
    if "mlm/bias" in paths:
        return "BertForPreTraining" if "nsp/kernel" in paths else "BertForMaskedLM"
    return "BertModel"


def _tokenizer(text: Text) -> dict[str, Any]:
    return {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": text.lower,
        "strip_accents": text.strip_accents,
        "tokenize_chinese_chars": True,
        "model_max_length": text.max_length,
    }


def _special(tokens: list[str]) -> dict[str, str]:
    """What the special tokens are called, as far as there are any."""
    names = {"cls_token": STARTS, "sep_token": ENDS, "mask_token": MASKS, "unk_token": ("[UNK]",)}
    found = {name: [s for s in spellings if s in tokens] for name, spellings in names.items()}
    return {"pad_token": tokens[PAD], **{name: s[0] for name, s in found.items() if s}}
