"""What a recipe comes to, from the recipe and a look at its data, without TensorFlow."""

from collections import Counter
from typing import Any

from configs.data import SentencePieceTokenizer, WordTokenizer
from configs.estimate import activation_bytes, parameters, state_bytes
from configs.loading import RecipeError
from configs.models import Ensemble
from configs.recipe import Recipe
from configs.tasks import LanguageModel, MaskedLanguageModel
from pipeline import finding_runs
from pipeline.errors import JobError
from pipeline.prepare import inputs
from pipeline.recipes import told
from pipeline.recipes.look import Look, looks
from pipeline.text import earlier_words

SPECIAL_TOKENS = 5


def estimate(recipe: Recipe) -> dict[str, Any]:
    """How large the model is and what training it takes, with what that was estimated from.

    Raises:
        RecipeError: the data are there, but not what the recipe says.
    """
    found_in, unseen = _look(recipe)
    found = found_in.get("train")
    tokens = _vocabulary(recipe, found)
    predicts_tokens = isinstance(recipe.task, LanguageModel | MaskedLanguageModel)
    outputs = tokens if predicts_tokens else _outputs(recipe, found)
    members = recipe.model.members if isinstance(recipe.model, Ensemble) else ()
    sizes = parameters(recipe, tokens, outputs, [finding_runs.recipe(run) for run in members])
    return {
        "parameters": sum(sizes.values()),
        "parts": sizes,
        "vocabulary": tokens,
        "outputs": outputs,
        "state_bytes": state_bytes(recipe, sizes),
        "activation_bytes": activation_bytes(recipe),
        "rows": {split: some.examples for split, some in found_in.items()},
        "bad": dict(sum((some.bad for some in found_in.values()), Counter())),
        "found": {split: told.rows(some, found) for split, some in found_in.items()},
        "unseen": unseen,
    }


def in_words(facts: dict[str, Any]) -> list[str]:
    """The same for a reader."""
    state, activations = facts["state_bytes"] / 1e6, facts["activation_bytes"] / 1e6
    parts = ", ".join(f"{name} {number:,}" for name, number in facts["parts"].items())
    lines = [
        f"{facts['parameters']:,} parameters: {parts}",
        f"from a vocabulary of {facts['vocabulary']:,} tokens and {facts['outputs']:,} outputs",
        f"training takes about {state + activations:,.0f} MB beside TensorFlow itself: weights,"
        f" gradients and optimizer {state:,.0f}, a batch of the longest texts {activations:,.0f}",
    ]
    lines += [f"data.{split}: {found}" for split, found in facts["found"].items()]
    if facts["unseen"]:
        lines.append(f"the data were not looked at, so all this is a guess: {facts['unseen']}")
    return lines


def _look(recipe: Recipe) -> tuple[dict[str, Look], str]:
    """What the files of each split hold, or why that cannot be told here."""
    try:
        inputs.units(recipe)
    except JobError as error:
        return {}, str(error)
    try:
        return looks(recipe.data, recipe.task), ""
    except JobError as error:
        raise RecipeError(str(error)) from error


def _vocabulary(recipe: Recipe, found: Look | None) -> int:
    """Token ids, at most."""
    earlier = earlier_words.fitting(recipe.text)
    if earlier and not isinstance(recipe.text.tokenizer, SentencePieceTokenizer):
        return len(earlier_words.read(earlier))
    tokenizer = recipe.text.tokenizer
    if not found or not found.whole or not isinstance(tokenizer, WordTokenizer):
        return tokenizer.size
    frequent = sum(n >= tokenizer.min_count for n in found.words.values())
    return min(tokenizer.size, frequent + SPECIAL_TOKENS)


def _outputs(recipe: Recipe, found: Look | None) -> int:
    if recipe.task.kind == "regress":
        return 1
    if recipe.task.kind == "span":
        return 2
    return len(found.labels) if found else 2
