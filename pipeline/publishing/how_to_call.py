"""The part of the model card that says how to ask the model, and what it answers."""

from collections.abc import Sequence
from typing import Any, assert_never

from configs.models import AwdLstm, Elmo
from configs.recipe import Recipe
from configs.tasks import (
    Classify,
    LanguageModel,
    MaskedLanguageModel,
    Multilabel,
    Regress,
    Span,
    Tag,
)


def how_to_call(
    recipe: Recipe, version: int, inputs: Any, signatures: Sequence[str], num_labels: int
) -> str:
    """Markdown.

    Args: inputs, of `pipeline.text.model_inputs`; signatures, the names of all that there are.
    """
    columns = ", ".join(f'"{name}": ["..."]' for name in inputs.texts)
    arguments = ", ".join(f'{name}=tf.constant(["..."])' for name in inputs.texts)
    masked = MASKED if isinstance(recipe.task, MaskedLanguageModel) else {}
    told = {**SIGNATURES, **({"ids": SEQUENCES} if inputs.wrapping is not None else {}), **masked}
    others = "\n".join(told[name] for name in signatures if name in told)
    others = others.format(k=recipe.export.top_k, longest=recipe.text.max_length)
    return f"""On the REST port of TensorFlow Serving:

    curl -d '{{"inputs": {{{columns}}}}}' http://localhost:8501/v1/models/{recipe.name}:predict

In Python, with tensorflow and tensorflow-text alone:

    import tensorflow as tf, tensorflow_text
    model = tf.saved_model.load("{version}")
    model.signatures["serving_default"]({arguments})

Outputs: {_outputs(recipe, min(recipe.export.top_k, num_labels))}
{others}
"""


SIGNATURES = {
    "ids": """\
The signature `ids` takes token ids (texts, tokens) int32 padded with 0 in place of texts, and of
pairs those of the second texts as `second_ids`. A server that batches wants all of one length
there.""",
    "words": """\
The signature `words` takes texts that are cut into words already: words (texts, words) string
padded with "". Its places count as if single spaces stood between the words.""",
    "vectors": """\
The signature `vectors` takes the same and answers `vectors` (texts, words, layers, numbers), what
each of the model's layers says of each word, filled up with 0, and `words`, how many there are.""",
    "next": """\
The signature `next` takes the same and answers `tokens` and `scores` (texts, {k}), the tokens that
are likeliest to come after a text, as the vocabulary spells them, and their probabilities; `[SEP]`
is the text's end. Of a longer text it reads the last {longest} tokens.""",
    "generate": """\
The signature `generate` writes on. It takes `text`, and with each text `tokens`, how many to write
at most; `temperature`, 0 for the likeliest each time; `top_k`, 0 for all; `top_p`, 1 for all; and
`seed`. It answers `text`, with what was written behind it, `tokens`, what that is, filled up with
"", and `written`, how many.""",
}

SEQUENCES = """\
The signature `ids` takes token ids (texts, tokens) int32 padded with 0 in place of texts, `[CLS]`
before a text and `[SEP]` after it, a pair as one, and `types` of the same shape: 0 up to the first
`[SEP]`, then 1. A server that batches wants all of one length there."""

MASKED = {
    "fill": """\
The signature `fill` is the same by another name.""",
    "vectors": """\
The signature `vectors` takes the same and answers `vectors` (texts, tokens, numbers), of `[CLS]`,
each token and `[SEP]`, filled up with 0, and `tokens`, how many there are; and, of a model that
learned pairs, `pooled` (texts, numbers). A `[MASK]` in a text is read as the word it spells.""",
}

FILLED_IN = """of each `[MASK]` in a text `tokens` and `scores` (texts, masks, {k}), the tokens that
are likeliest to stand there, as the vocabulary spells them, and their probabilities; `masks`, how
many a text has. What texts of fewer masks lack is filled up with "" and 0."""

LABELS = """`labels` and `scores`, of the labels whose probability is above their threshold in
`thresholds.json`, the likeliest first; texts of fewer labels are filled up with "" and 0. `label`
and `score`, the first of them. `probabilities` of all labels, in the order of `labels.json`."""

TAGS = """of each text's words, as many as the model reads: `words` as they stand in the text;
`begins` and `ends`, their places in it, counted in code points; `tags`, and `scores`, the
probability of each tag. Rows of fewer words are filled up with "", with 0, and places with -1.
`unread` says how many words of a text come after the last that the model reads."""

SPAN = """of each question, `text`, about its context, `second`: `answer`, "" for none, and its
`score`; `begin` and `end`, where it stands in the context, counted in code points, -1 for none;
`answers`, `scores`, `answer_begins` and `answer_ends`, the best {k}. Scores are probabilities among
the best."""

SPANS = """
Of the spans that the tags spell: `span_labels`, `span_begins` and `span_ends`, filled up in the
same way."""


def _outputs(recipe: Recipe, k: int) -> str:
    match recipe.task:
        case Regress():
            return "`value`."
        case Multilabel():
            return LABELS
        case Classify():
            return (
                f"`label` and its `score`; `labels` and `scores`, the best {k};"
                "\n`probabilities` of all labels, in the order of `labels.json`."
            )
        case Tag(scheme=scheme):
            return TAGS + ("" if scheme == "plain" else SPANS)
        case Span():
            none = " `no_answer` is that of there being none." if recipe.task.impossible else ""
            return SPAN.format(k=min(recipe.export.top_k, recipe.task.n_best)) + none
        case MaskedLanguageModel():
            return FILLED_IN.format(k=recipe.export.top_k)
        case LanguageModel():
            return _of_a_language_model(recipe)
        case unknown:
            assert_never(unknown)


def _of_a_language_model(recipe: Recipe) -> str:
    read = ""
    if isinstance(recipe.model, Elmo):
        read = ", in both\ndirections"
    elif isinstance(recipe.model, AwdLstm) and recipe.model.backward:
        read = ",\nread from its last token to its first"
    elif isinstance(recipe.task, LanguageModel) and recipe.task.carry == "stream":
        read = ", which\nis read as if another had just ended"
    return (
        f"`loss`, the mean of -log p of the tokens and the end of a text{read}; `perplexity`, e to"
        "\nthat; `words`, how many they are, the end counted."
    )
