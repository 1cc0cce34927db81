"""What is to be learned: which columns hold texts and labels, and how the answer is scored."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from configs.closed import Closed


def _by_id(names: Any) -> Any:
    """The names of a list by their places, as class ids count them from 0."""
    if isinstance(names, list | tuple):
        return {str(place): name for place, name in enumerate(names)}
    return names


# What a label of the files is called: {Refund: refund} makes one of two spellings, {"-1": null}
# says that a label is none, and a list has the names of class ids: [O, B-PER, I-PER].
LabelNames = Annotated[
    dict[str, Annotated[str, Field(pattern=r"\S")] | None], BeforeValidator(_by_id)
]


class Classify(Closed):
    """One label of several for a text, or for a pair of texts."""

    kind: Literal["classify"]
    text: str = "text"
    second: str | None = None  # the column of a pair's second text: entailment, paraphrase
    label: str = "label"
    label_names: LabelNames | None = None
    # `balanced`: as heavy as its texts are rare, 10 times at most; a mapping weighs as it says.
    class_weights: Literal["none", "balanced"] | dict[str, float] = "none"
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0


class Multilabel(Closed):
    """Any number of labels for a text; the column holds them joined by the separator.

    A JSONL or Parquet column may hold a list instead, and any column one that is written out, as
    Python, JSON and NumPy do: ['a', 'b'].
    """

    kind: Literal["multilabel"]
    text: str = "text"
    label: str = "labels"
    label_names: LabelNames | None = None
    separator: str = "|"
    # From which probability on a label is given: a number, or chosen on the validation split by
    # the best F1, one for all labels or one for each.
    threshold: Annotated[float, Field(gt=0.0, lt=1.0)] | Literal["one", "per_label"] = "one"


class Regress(Closed):
    """One number for a text, or for a pair of texts."""

    kind: Literal["regress"]
    text: str = "text"
    second: str | None = None  # the column of a pair's second text: similarity
    label: str = "label"
    decimal: Literal[".", ","] = "."  # what stands before a number's fraction


class Tag(Closed):
    """One label for each word of a text: names of things, parts of speech.

    Columns of CoNLL files are numbered from "1", those of CoNLL-U have its names (form, upos, ...);
    a JSONL or Parquet column holds a list of words, another one the list of their tags. Or one
    holds a text, another one a list of entities with their places in it, in characters: [start,
    end, label], or a mapping of these. Tags that spell spans are read in any scheme, and spelled
    anew in the one that is asked for.
    """

    kind: Literal["tag"]
    text: str = "words"
    label: str = "tags"
    label_names: LabelNames | None = None
    scheme: Literal["plain", "iob1", "bio", "bioes"] = "bio"  # plain: tags spell no spans
    decoder: Literal["softmax", "crf"] = "softmax"


class LanguageModel(Closed):
    """The next word of a document, from the words before it.

    `carry` is how far a recurrent state goes: to the end of its document, or on into the next one,
    as where each line of a running text is a record.
    """

    kind: Literal["language_model"]
    text: str = "text"
    carry: Literal["document", "stream"] = "document"


class Masking(Closed):
    """Which tokens are hidden: in place of 80% stands [MASK], of 10% any other token, 10% stay.

    Devlin et al. 2019, https://arxiv.org/abs/1810.04805, section 3.1. `unit` is what is hidden
    whole: a token, a word, or a span of words (Joshi et al. 2020, https://arxiv.org/abs/1907.10529,
    section 3.1).
    """

    rate: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.15  # of all tokens
    unit: Literal["token", "word", "span"] = "token"
    static: bool = False  # drawn once, when the data are prepared, instead of anew in each epoch


class MaskedLanguageModel(Closed):
    """Hidden tokens of a text, from all that is not hidden; and whether two texts belong together.

    `pairs`: `next` asks whether the second text follows the first or is of another document (BERT),
    `order` whether two that follow each other are in their order (ALBERT, Lan et al. 2020,
    https://arxiv.org/abs/1909.11942), `none` has runs of whole sentences of one document and asks
    nothing (RoBERTa's DOC-SENTENCES, Liu et al. 2019, https://arxiv.org/abs/1907.11692).
    `text.max_length` is the length of an example.
    """

    kind: Literal["masked_language_model"]
    text: str = "text"
    language: str = "en"  # whose sentences they are, by its code in ISO 639
    pairs: Literal["next", "order", "none"] = "next"
    pair_weight: Annotated[float, Field(gt=0.0)] = 1.0  # of their loss beside that of the tokens
    # The share of examples that are cut to a random length; if not said, 0.1 of pairs, as in BERT.
    short: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    copies: Annotated[int, Field(ge=1)] = 1  # of the training texts, each cut in another way
    masking: Masking = Masking()

    @property
    def short_share(self) -> float:
        if self.short is not None:
            return self.short
        return 0.0 if self.pairs == "none" else 0.1


class Span(Closed):
    """The part of a context that answers a question, or none where the context has no answer.

    A JSONL or Parquet column holds a list of the right answers, each with its `text` and its
    `start` in the context, in characters. The first one is learned, any of them is right. A long
    context is read in windows of `text.max_length` tokens with the question before each.
    """

    kind: Literal["span"]
    question: str = "question"
    context: str = "context"
    answers: str = "answers"
    id: str | None = "id"  # the column that names a question; null where there is none
    impossible: bool = False  # whether there are questions without an answer, as in SQuAD 2.0
    stride: Annotated[int, Field(ge=1)] = 128  # tokens from a window's beginning to the next one's
    longest_question: Annotated[int, Field(ge=1)] = 64  # tokens; the rest is cut off
    longest_answer: Annotated[int, Field(ge=1)] = 30  # tokens
    n_best: Annotated[int, Field(ge=1)] = 20  # answers to each question
    # No answer is given where none scores higher than the best one by more than this.
    threshold: float = 0.0


Task = Annotated[
    Classify | Multilabel | Regress | Tag | LanguageModel | MaskedLanguageModel | Span,
    Field(discriminator="kind"),
]
