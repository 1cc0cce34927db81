"""Settings that suit a family of models: its words, its size, how it is trained."""

from collections.abc import Iterator
from typing import Any

from configs.models import Model
from configs.tasks import Task
from configs.transformers import Transformer
from pipeline.recipes.look import Look

Setting = tuple[str, Any, str]  # key, value, why
USUAL = {  # where a text CNN will not do
    "tag": "lstm",
    "language_model": "elmo",
    "masked_language_model": "bert",
    "span": "bert",
}
PRETRAINING = ("language_model", "masked_language_model")
EXAMPLE = 128  # tokens that a Transformer reads together while it is pretrained


def small(kind: str, task: Task) -> dict[str, Any]:
    """A model of this kind that a processor can train; with the defaults, unless they are large."""
    if kind not in ("bert", "gpt"):
        return {"kind": kind}
    longest = {"bert": "positions", "gpt": "context"}[kind]
    return {"kind": kind, "size": "mini"} | ({longest: EXAMPLE} if task.kind in PRETRAINING else {})


def words(kind: str) -> dict[str, Any] | None:
    """The tokenizer of a family that reads pieces of words, or spells whole ones; else None."""
    return {
        "bert": {"kind": "wordpiece"},
        "gpt": {"kind": "sentencepiece", "algorithm": "bpe"},
        "elmo": {"kind": "word"},
    }.get(kind)


def training(
    task: Task, model: Model, found: Look, share: float, pretrained: bool
) -> Iterator[Setting]:
    """Args: share, of what was found, that is left to train on; pretrained, whether it starts from
    weights that were trained before.
    """
    examples, words = round(share * found.examples), round(share * found.num_words)
    if isinstance(model, Transformer):
        pretrains = task.kind in PRETRAINING
        yield from _transformer(examples, words, model.width, pretrains, pretrained)
    elif task.kind == "language_model":
        yield from _running_text(words)
    elif model.kind == "awd_lstm" and pretrained:
        yield from _ulmfit(examples)
    else:
        batch = 32 if examples < 5_000 else 64 if examples < 100_000 else 256
        epochs = 30 if examples < 20_000 else 10 if examples < 100_000 else 4
        yield "batch_size", batch, _steps(examples, batch)
        yield "epochs", epochs, "at most: training stops when validation gets no better any more"
        yield "early_stopping", {"patience": 3}, ""


def _running_text(words: int) -> Iterator[Setting]:
    batch, window = 32, 35
    steps = words // (batch * window)
    yield "batch_size", batch, f"rows of running text; about {max(1, steps):,} steps an epoch"
    yield "window", window, "words of each row in a step"
    yield "epochs", 4, ""
    yield "clip_norm", 5.0, ""


def _transformer(
    examples: int, words: int, width: int, pretrains: bool, pretrained: bool
) -> Iterator[Setting]:
    batch = 32
    # Rates at a width of 768: of GPT's pretraining (Radford et al. 2018, section 4.1), of BERT's,
    # and of its fine-tuning (Devlin et al. 2019, appendix A.2 and A.3).
    if pretrains:
        rate = 1e-4 if pretrained else 2.5e-4
        steps = words // (batch * EXAMPLE)
        yield "batch_size", batch, f"examples; about {max(1, steps):,} steps an epoch or more"
        yield "epochs", 3, ""
    else:
        rate = 3e-5 if pretrained else 1e-4
        epochs = 3 if examples > 50_000 else 5 if examples > 5_000 else 8
        yield "batch_size", batch, _steps(examples, batch)
        yield "epochs", epochs if pretrained else 3 * epochs, "more where labels are few"
    yield "optimizer", {"kind": "adam", "weight_decay": 0.01}, ""
    yield "learning_rate", float(f"{rate * 768 / width:.0e}"), "narrower models want higher rates"
    yield "schedule", {"kind": "linear", "warmup": 0.1}, ""
    yield "clip_norm", 1.0, ""


def _ulmfit(examples: int) -> Iterator[Setting]:
    yield "batch_size", 32, _steps(examples, 32)
    yield "epochs", 12 if examples < 20_000 else 6, "a layer more learns in each of the first"
    yield "optimizer", {"kind": "adam", "beta_1": 0.8, "beta_2": 0.99, "weight_decay": 0.01}, ""
    yield "learning_rate", 0.01, ""
    yield "schedule", {"kind": "slanted_triangular"}, "this and what follows: docs/ulmfit.md"
    yield "discriminative", 2.6, ""
    yield "gradual_unfreezing", True, ""


def _steps(examples: int, batch: int) -> str:
    return f"about {max(1, examples // batch):,} steps an epoch"
