"""What a recipe says to start from trained weights: their spelling, their words, their sizes."""

from typing import Any

from configs.data import SPELLING, Text
from configs.loading import RecipeError
from configs.models import Elmo
from configs.tasks import Classify, Multilabel, Regress, Task
from configs.transformers import Bert, Transformer
from pipeline import earlier_weights
from pipeline.earlier_weights import Earlier
from pipeline.initial_weights import layers, sizes

ALWAYS = ("layers", "width", "heads")  # said even where they are the defaults


def read(address: str) -> Earlier:
    """
    Raises:
        JobError: there are no such weights, or they cannot be read.
    """
    return earlier_weights.read(earlier_weights.on_disk(address))


def spelling(earlier: Earlier) -> dict[str, Any]:
    """The settings in `text` that are not the defaults."""
    text = earlier.recipe.text
    said = {name: getattr(text, name) for name in SPELLING}
    if earlier_weights.is_of_others(earlier.folder):
        # What their tokenizers do with every text, and no file of theirs says: where accents come
        # off, a Unicode form changes nothing.
        said |= {"drop_controls": True} | ({} if text.strip_accents else {"unicode": "none"})
    return {n: value for n, value in said.items() if value != Text.model_fields[n].default}


def tokenizer(earlier: Earlier, address: str) -> dict[str, Any]:
    """A tokenizer with the words that the weights know."""
    theirs = earlier.recipe.text.tokenizer
    match theirs.kind:
        case "character":  # which has no ready ones: those that both have go over
            return {"kind": "character"}
        case "sentencepiece":
            return {"kind": "sentencepiece", "model": address}
    fields = type(theirs).model_fields
    said: dict[str, Any] = {n: getattr(theirs, n) for n in ("split", "fold") if n in fields}
    said = {n: value for n, value in said.items() if value != fields[n].default}
    return {"kind": theirs.kind, **said, "vocabulary": address}


def model(earlier: Earlier, task: Task) -> dict[str, Any]:
    """The model that the weights fit into, without what only matters while it is trained.

    Raises:
        RecipeError: they are an ELMo's, whose vectors another model reads.
    """
    theirs = earlier.recipe.model
    if isinstance(theirs, Elmo) and task.kind != "language_model":
        raise RecipeError(
            f"--init-from: {earlier.folder} holds an ELMo, whose vectors other models read: leave"
            " --init-from out, and put into the recipe"
            f" model: {{kind: lstm, embedding: {{elmo: {earlier.folder}}}}}"
        )
    if not isinstance(theirs, Transformer):
        return theirs.model_dump(exclude_defaults=True)
    said = sizes(theirs)
    if said["inner"] == 4 * theirs.width:
        del said["inner"]
    fields = type(theirs).model_fields
    said = {n: v for n, v in said.items() if n in ALWAYS or v != fields[n].default}
    labels = isinstance(task, Classify | Multilabel | Regress)
    if labels and isinstance(theirs, Bert) and "pooler" not in layers(earlier.weights):
        said["pooling"] = "mean"
    return {"kind": theirs.kind, **said}
