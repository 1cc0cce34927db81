"""Which word vectors train, where they start, and that two channels are Kim's two channels."""

import numpy as np
import pytest

from components.embeddings import WordEmbeddings
from components.ngrams import NGramFeatures

IDS = np.array([[1, 2, 3, 2], [4, 1, 0, 0]])


def built(kind, **arguments):
    layer = WordEmbeddings(5, 3, kind, **arguments)
    layer.build((None, None))
    return layer


@pytest.mark.parametrize(
    ("kind", "trained", "fixed"),
    [("random", 1, 0), ("static", 0, 1), ("nonstatic", 1, 0), ("multichannel", 1, 1)],
)
def test_kinds_train_what_they_should(kind, trained, fixed):
    layer = built(kind)
    assert len(layer.trainable_variables) == trained
    assert len(layer.non_trainable_variables) == fixed


@pytest.mark.parametrize(("kind", "channels"), [("static", 1), ("multichannel", 2)])
def test_rows_are_the_vectors_that_were_set(kind, channels):
    vectors = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    layer = built(kind)
    layer.set_vectors(vectors)
    np.testing.assert_allclose(layer(IDS), channels * vectors[IDS], rtol=1e-6)


def test_first_vectors_are_uniform_between_quarters_and_follow_the_seed():
    def table(seed):
        layer = WordEmbeddings(1000, 8, seed=seed)
        layer.build((None, None))
        return layer.channels[0].embeddings.numpy()

    assert -0.25 <= table(1).min() < -0.24
    assert 0.24 < table(1).max() <= 0.25
    np.testing.assert_array_equal(table(1), table(1))
    assert np.abs(table(1) - table(2)).max() > 0.1


def test_each_filter_is_applied_to_both_channels_and_the_results_are_added():
    """Kim 2014, section 2: c_i = f(w . x_fixed + w . x_trained + b)."""
    embeddings = built("multichannel")
    random = np.random.default_rng(0)
    tables = random.normal(size=(2, 5, 3)).astype(np.float32)
    for channel, table in zip(embeddings.channels, tables, strict=True):
        channel.embeddings.assign(table)
    features = NGramFeatures((2,), 6, "valid", seed=1)
    got = features(embeddings(IDS[:1]))
    kernel = features.kernels[0].numpy()
    responses = [
        sum(np.tensordot(table[IDS[0, n : n + 2]], kernel, 2) for table in tables) for n in range(3)
    ]
    np.testing.assert_allclose(got[0], np.maximum(np.max(responses, axis=0), 0), atol=1e-5)


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"kind must be one of .* Received: 'frozen'"):
        WordEmbeddings(5, kind="frozen")
