import numpy as np
import pytest

from pipeline.prepare.token_files import Documents, Writer, token_type

SENTENCES = [[[5, 6], [7]], [[8]], [[5, 6], [7]], [[9, 10, 11], [12], [13, 14]]]  # by document


@pytest.fixture
def documents(tmp_path):
    """Four documents, of which the first unit has none, the second one, the third three."""
    for unit, some in enumerate(([], SENTENCES[:1], SENTENCES[1:])):
        with Writer(tmp_path, unit, "train", token_type(300)) as writer:
            for document in some:
                writer.write(np.concatenate(document), np.array([*map(len, document)]))
        assert writer.facts()["documents"] == len(some)
    assert writer.facts() == {"documents": 3, "single": 1, "sentences": 6}
    return Documents(tmp_path, "train", [0, 1, 3], token_type(300))


def test_documents_come_back(documents):
    assert len(documents) == 4
    for number, sentences in enumerate(SENTENCES):
        found = documents.whole(number)
        assert found.tokens.tolist() == [token for sentence in sentences for token in sentence]
        assert found.edges.tolist() == [0, *np.cumsum([*map(len, sentences)])]


def test_copies_have_one_hash(documents):
    hashes = [documents.hash(number) for number in range(4)]
    assert hashes[0] == hashes[2]
    assert len(set(hashes)) == 3


@pytest.mark.parametrize("tokens", [1, 3, 4, 100])
def test_parts_are_whole_sentences_from_any_one_on(documents, tokens):
    random = np.random.default_rng(0)
    found = {tuple(documents.part(3, tokens, random).tolist()) for _ in range(50)}
    expected = set()
    for first in range(3):
        part = []
        for sentence in SENTENCES[3][first:]:
            part += sentence if len(part) < tokens else []
        expected.add(tuple(part))
    assert found == expected


@pytest.mark.parametrize(("size", "name"), [(256, "uint8"), (257, "uint16"), (65_537, "uint32")])
def test_ids_take_as_little_room_as_they_can(size, name):
    assert token_type(size) == np.dtype(name)


def test_nothing_stays_of_a_unit_that_failed(tmp_path):
    with pytest.raises(ValueError, match="broken"), Writer(tmp_path, 0, "train", token_type(9)):
        raise ValueError("broken")
    assert list(tmp_path.iterdir()) == []
