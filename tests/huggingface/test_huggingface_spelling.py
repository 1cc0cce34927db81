"""The tokens of a Hugging Face folder are those of `transformers`, or it is said why not.

EXPECTED was written down from AutoTokenizer of transformers 5.23.0, on folders with these files.
"""

import json

import pytest
import tensorflow as tf

from configs.data import Text
from configs.loading import RecipeError
from pipeline.errors import JobError
from pipeline.huggingface import spelling
from pipeline.text import earlier_words, tokenizers, vocabulary

FRAMES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENS = [*FRAMES, "the", "cat", "Cat", "cafe", "café", "漢", "字", "漢字", "<", "user", ">"]
TEXT = "the Cat café 漢字"
CONFIG = {"model_type": "bert"}
CASED, UNCASED = "the|Cat|café|漢|字", "the|cat|cafe|漢|字"
EXPECTED = [
    ({}, UNCASED),
    ({"tokenizer_config": {"do_lower_case": False}}, CASED),
    ({"tokenizer_config": {"do_lower_case": False, "strip_accents": True}}, "the|Cat|cafe|漢|字"),
    ({"tokenizer_config": {"strip_accents": False}}, "the|cat|café|漢|字"),
    # What tokenizer.json says of cleaning counts for classes that have no other.
    ({"tokenizer_config": {"do_lower_case": False}, "tokenizer": {}}, CASED),
    ({"tokenizer": {"lowercase": False}}, UNCASED),
    ({"tokenizer": {"lowercase": False, "handle_chinese_chars": False}}, UNCASED),
    (
        {
            "tokenizer_config": {"tokenizer_class": "PreTrainedTokenizerFast"},
            "tokenizer": {"lowercase": False},
        },
        CASED,
    ),
    ({"config": {**CONFIG, "do_lower_case": False}}, UNCASED),
    (
        {"tokenizer_config": {"tokenizer_class": "ElectraTokenizerFast", "do_lower_case": False}},
        CASED,
    ),
    ({"tokenizer_config": {"do_basic_tokenize": False, "never_split": ["the"]}}, UNCASED),
]


def ready(tokens=TOKENS, added=(), **cleaning):
    """A tokenizer.json."""
    cleaning = {"clean_text": True, "strip_accents": None, "lowercase": True, **cleaning}
    return {
        "added_tokens": [{"content": token, "id": place} for place, token in added],
        "normalizer": {"type": "BertNormalizer", "handle_chinese_chars": True, **cleaning},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {token: place for place, token in enumerate(tokens)},
        },
    }


@pytest.fixture
def folder(tmp_path):
    """A maker of a folder with these files, and vocab.txt."""

    def make(config=CONFIG, **files):
        lines = "".join(f"{token}\n" for token in TOKENS)
        (tmp_path / "vocab.txt").write_text(lines, encoding="utf-8")
        for name, value in {"config": config, **files}.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(value))
        return tmp_path

    return make


@pytest.mark.parametrize(("files", "expected"), EXPECTED)
def test_tokens_of_transformers(folder, files, expected):
    if "tokenizer" in files:
        files = {**files, "tokenizer": ready(**files["tokenizer"])}
    place = folder(**files)
    pieces = {"kind": "wordpiece", "vocabulary": str(place)}
    text = Text(**spelling.read(place), unicode="none", drop_controls=True, tokenizer=pieces)
    earlier_words.fitting(text)
    found = tokenizers.Tokenizer(text, vocabulary.ready(text.tokenizer))
    ids = found.all_ids(tf.constant([TEXT])).to_list()[0]
    assert "|".join(found.vocabulary[place] for place in ids) == expected


def test_a_recipe_that_spells_otherwise_is_refused(folder):
    pieces = {"kind": "wordpiece", "vocabulary": str(folder())}
    with pytest.raises(RecipeError, match="strip_accents is False, there True"):
        earlier_words.fitting(Text(tokenizer=pieces))


ADDED = {"content": "<user>", "special": False}
AS_WRITTEN = {"tokenizer_class": "TokenizersBackend"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"tokenizer_config": {"tokenize_chinese_chars": False}}, "ideographs are parts of words"),
        (
            {"tokenizer_config": AS_WRITTEN, "tokenizer": ready(handle_chinese_chars=False)},
            "tokenizer.json: ideographs are parts",
        ),
        ({"added_tokens": {"<user>": 16}}, "added_tokens.json: '<user>' are tokens wherever"),
        ({"tokenizer_config": {"added_tokens_decoder": {"16": ADDED}}}, "_config.json: '<user>'"),
        ({"tokenizer_config": {"additional_special_tokens": ["<user>"]}}, "_config.json: '<user>'"),
        ({"tokenizer_config": {"cls_token": "<user>"}}, "_config.json: '<user>'"),
        ({"special_tokens_map": {"extra_special_tokens": [ADDED]}}, "_map.json: '<user>'"),
        ({"tokenizer": ready(added=[(0, "[PAD]"), (16, "<user>")])}, "tokenizer.json: '<user>'"),
        ({"tokenizer": ready([*FRAMES, "cat", "the"])}, "vocab.txt:6: 'the' is 'cat' in tokenizer"),
        ({"tokenizer": ready(TOKENS[:-1])}, "vocab.txt:16: '>' is None in tokenizer.json"),
        ({"tokenizer_config": {"tokenizer_class": "BertJapaneseTokenizer"}}, "of a BertTokenizer"),
        ({"config": {**CONFIG, "tokenizer_class": "RobertaTokenizer"}}, "got 'RobertaTokenizer'"),
        ({"tokenizer_config": AS_WRITTEN, "tokenizer": ready(clean_text=False)}, "clean_text True"),
        ({"tokenizer_config": AS_WRITTEN}, "normalizer.type 'BertNormalizer', got None"),
        ({"tokenizer_config": {"do_lower_case": "no"}}, "should be true or false, got 'no'"),
        ({"tokenizer_config": {"strip_accents": 0}}, "should be true or false, got 0"),
        ({"tokenizer": {"model": [1]}}, "tokenizer.json: textmill reads a model of type"),
        ({"tokenizer": {**ready(), "added_tokens": [7]}}, "does not say the ids of its tokens"),
    ],
)
def test_other_tokens_are_refused(folder, files, said):
    with pytest.raises(JobError, match=said):
        spelling.read(folder(**files))


def test_tokens_that_frame_a_text_may_be_added(folder):
    frames = {"cls_token": "[CLS]", "pad_token": {"content": "[PAD]"}, "bos_token": None}
    files = {"tokenizer_config": frames, "added_tokens": {"[MASK]": 4}}
    assert spelling.read(folder(**files)) == {"lower": True, "strip_accents": True}


def test_a_vocabulary_alone_says_nothing(folder):
    place = folder(config={"my": "settings"})
    assert spelling.read(place) is None
    earlier_words.fitting(
        Text(lower=False, tokenizer={"kind": "wordpiece", "vocabulary": str(place)})
    )
