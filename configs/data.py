"""Where the texts come from, how they are cut into splits, and how they become token ids."""

import codecs
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from configs.closed import Closed, default_kind

Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Files = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    Field(min_length=1),
]
Quoting = Literal["double", "none"]


def known_encoding(name: str) -> str:
    try:
        "".encode(name)  # which encodings of bytes, such as base64, refuse
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError) as error:
        raise ValueError(f"no encoding {name!r} is known: utf-8, cp1252 or gb18030 are") from error
    return name


class Data(Closed):
    """Files of each split: paths or globs on any filesystem Beam knows, `.gz` included.

    A fraction instead of files cuts the split from the training files by a hash of the text.
    """

    train: Files
    valid: Files | Fraction | None = 0.1
    test: Files | Fraction | None = None
    # `text` has a record on each line, `document` is one record.
    format: Literal[
        "auto",
        "csv",
        "tsv",
        "jsonl",
        "parquet",
        "arrow",
        "text",
        "document",
        "conll",
        "conllu",
        "squad",
    ] = "auto"
    # Of all text files that do not begin with a byte order mark, which says it itself.
    encoding: Annotated[str, AfterValidator(known_encoding)] = "utf-8"
    # Of csv and tsv: a comma and a tab, if nothing is said.
    delimiter: Annotated[str, Field(pattern='^[^"\r\n]$')] | None = None
    # Of csv and tsv: `double` if fields may stand in double quotes, doubled inside, as in csv, or
    # `none` if quotes are text, as in tsv, if nothing is said.
    quoting: Quoting | None = None
    # Names of the columns of csv and tsv files, if no first line says them.
    header: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    # Extra columns to carry along, for slices in the report.
    columns: tuple[str, ...] = ()
    drop_duplicates: bool = False  # later copies of a text within a split
    drop_leaks: bool = False  # training texts that also stand in valid or test
    max_bad: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01
    shard_examples: Annotated[int, Field(ge=1)] = 100_000


class WordTokenizer(Closed):
    """Words of the cleaned text; `whitespace` trusts texts that are tokenized already."""

    kind: Literal["word"] = "word"
    split: Literal["words", "whitespace"] = "words"
    size: Annotated[int, Field(ge=8)] = 30_000
    min_count: Annotated[int, Field(ge=1)] = 1
    # The words of an earlier run, in their order, instead of learned ones: its folder (without its
    # last -XXXXXXXX: the newest run of that name), its export, its prepared data or its tokenizer.
    vocabulary: str | None = None
    # A file of word vectors: its first words, the most frequent ones, join those that are learned,
    # so that words which only new texts have are known by their vectors.
    vectors: str | None = None
    vectors_size: Annotated[int, Field(ge=1)] = 100_000
    fold: bool = False  # a word that is not there stands for its lower-case form

    @model_validator(mode="after")
    def a_ready_vocabulary_is_taken_as_it_is(self) -> Self:
        learns = {"size", "min_count", "vectors", "vectors_size"}
        fields = type(self).model_fields
        said = sorted(n for n in learns if getattr(self, n) != fields[n].default)
        if self.vocabulary is not None and said:
            raise ValueError(
                f"{', '.join(said)} say which words to learn, but vocabulary names ready ones:"
                " leave one or the other out"
            )
        return self


class WordPieceTokenizer(Closed):
    kind: Literal["wordpiece"]
    size: Annotated[int, Field(ge=8)] = 30_000
    min_count: Annotated[int, Field(ge=1)] = 2
    # A ready vocab.txt instead of a learned one: the file; a Hugging Face folder or a preset of
    # keras-hub that has one; or an earlier run, as of a WordTokenizer.
    vocabulary: str | None = None


class SentencePieceTokenizer(Closed):
    kind: Literal["sentencepiece"]
    algorithm: Literal["unigram", "bpe"] = "unigram"
    size: Annotated[int, Field(ge=8)] = 8_000
    character_coverage: Annotated[float, Field(gt=0.9, le=1.0)] = 0.9995
    # A ready model instead of a learned one: a .model file, or an earlier run, as of a
    # WordTokenizer's vocabulary.
    model: str | None = None


class CharacterTokenizer(Closed):
    kind: Literal["character"]
    size: Annotated[int, Field(ge=8)] = 1_000
    min_count: Annotated[int, Field(ge=1)] = 1


Tokenizer = Annotated[
    WordTokenizer | WordPieceTokenizer | SentencePieceTokenizer | CharacterTokenizer,
    Field(discriminator="kind"),
    default_kind("word"),
]


# The settings in `text` that decide how a word is spelled; others decide which words a text has.
SPELLING = ("unicode", "lower", "strip_accents", "drop_controls")


class Text(Closed):
    """Cleaning, the same in Beam and in the served model, then tokens."""

    unicode: Literal["none", "nfc", "nfkc"] = "nfc"
    lower: bool = True
    strip_accents: bool = False  # é becomes e: the texts of BERT's uncased models
    drop_controls: bool = False  # zero-width, private and other unseen characters, as BERT does
    html: bool = False  # replace tags by a space and undo the common entities
    whitespace: bool = True  # collapse runs to one space and trim the ends
    max_length: Annotated[int, Field(ge=1)] = 256  # tokens; the rest of a longer text is cut off
    tokenizer: Tokenizer = WordTokenizer()


class Beam(Closed):
    """Where Beam runs; `options` go to Beam as they are. Never changes the prepared bytes."""

    runner: str = "in_process"
    options: tuple[str, ...] = ()
