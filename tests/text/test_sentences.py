import pytest

from configs.data import CharacterTokenizer, SentencePieceTokenizer, WordPieceTokenizer
from pipeline.text.continuing import continuing
from pipeline.text.sentences import sentences

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Smith, Ph.D., left. He is 5 ft. tall!", 2),
        ("one line\nanother. And  \n\n\tnone", 4),
        ("什么？你好。", 2),  # noqa: RUF001
        (" \n ", 0),
    ],
)
def test_sentences(text, expected):
    found = sentences(text, "en")
    assert len(found) == expected
    assert "".join("".join(found).split()) == "".join(text.split())  # nothing is lost


def test_abbreviations_are_those_of_a_language():
    text = "Am 3. Mai war es gut."
    assert [len(sentences(text, language)) for language in ("de", "en")] == [1, 2]


def test_which_pieces_go_on_with_a_word():
    def found(tokenizer, *pieces):
        return continuing(tokenizer, [*SPECIAL, *pieces])[len(SPECIAL) :].tolist()

    assert found(WordPieceTokenizer(kind="wordpiece"), "un", "##able", "#") == [False, True, False]
    sentencepiece = SentencePieceTokenizer(kind="sentencepiece")
    assert found(sentencepiece, "▁un", "able", "▁") == [False, True, False]
    assert found(CharacterTokenizer(kind="character"), " ", "a") == [False, True]
    assert not continuing(sentencepiece, SPECIAL).any()
