"""What a gpt says comes next, by its cache and by reading all anew; and what it writes so."""

import numpy as np
import pytest
import tensorflow as tf
from tiny_gpt import made

from pipeline.cached_reading import CachedReader
from pipeline.generation import Generator, Sampling

V, CONTEXT = 20, 8
NEVER = {0, 1, 2, 4}
LAYOUTS = [["model.layout=gpt"], ["model.layout=gpt2"], ["task.carry=stream"]]
RANDOM = np.random.default_rng(6)


def anew(model, ids):
    """(V,) log probabilities of what comes after ids, read from their first one."""
    ids = np.tile(ids, (V, 1))
    targets = np.zeros_like(ids)
    targets[:, -1] = np.arange(V)
    given = {"ids": ids, "targets": targets, "fresh": ids < 0}
    found = -model({n: given[n] for n in model.input}, training=False)["losses"].numpy()[:, -1]
    found[list(NEVER)] = -np.inf
    return found


def window(ids):
    """What is still read of ids that came one by one: more than fit leave the last half."""
    read = []
    for token in ids:
        read = [*read, token]
        read = read if len(read) <= CONTEXT else read[-CONTEXT // 2 :]
    return read


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_a_cache_tells_what_reading_anew_tells(layout):
    _, model = made(V, *layout)
    reader = CachedReader(model, NEVER)
    read, state = tf.function(reader.read), reader.start(2)
    ids = RANDOM.integers(5, V, (2, 21))
    for t in range(21):
        scores, state = read(tf.constant(ids[:, t : t + 1], tf.int32), state)
        for row in range(2):
            expected = anew(model, window(ids[row, : t + 1]))
            np.testing.assert_allclose(scores[row], expected, atol=1e-4)


def test_rows_of_different_lengths_are_read_as_each_alone():
    _, model = made(V)
    reader = CachedReader(model, NEVER)
    ids = RANDOM.integers(5, V, (3, 7))
    texts = [[list(ids[row, :n]) for row, n in enumerate(part)] for part in ([2, 7, 5], [4, 3, 1])]
    state = reader.start(3)
    for part in texts:
        padded = np.zeros((3, max(map(len, part))), np.int32)
        for row, tokens in enumerate(part):
            padded[row, : len(tokens)] = tokens
        lengths = tf.constant([len(tokens) for tokens in part])
        scores, state = reader.read(tf.constant(padded), state, lengths)
    for row in range(3):
        whole = texts[0][row] + texts[1][row]
        kept = whole if len(whole) <= CONTEXT else whole[-CONTEXT // 2 :]
        np.testing.assert_allclose(scores[row], anew(model, kept), atol=1e-4)


def test_of_a_prompt_that_is_too_long_the_end_is_read():
    _, model = made(V)
    reader, ids = CachedReader(model, NEVER), RANDOM.integers(5, V, (1, 19))
    scores, _ = reader.read(tf.constant(ids, tf.int32), reader.start(1))
    np.testing.assert_allclose(scores[0], anew(model, ids[0, -4:]), atol=1e-4)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_greedy_takes_the_likeliest_after_reading_all_anew(layout):
    _, model = made(V, *layout)
    write = Generator(CachedReader(model, NEVER), Sampling(0.0).sampler(V), None)
    ever = set()
    for ids in ([2], [2, 7, 5, 11], [13, 6]):
        written = write(ids, 15)
        assert len(written) == 15
        ever |= set(written)
        for number, token in enumerate(written):
            assert token == anew(model, window([*ids, *written[:number]])).argmax()
    assert len(ever) > 1


def test_a_seed_gives_one_text_another_seed_another():
    _, model = made(V)
    reader = CachedReader(model, NEVER)
    first, again, other = (
        Generator(reader, Sampling(2.0, top_k=9, top_p=0.9, seed=s).sampler(V), None)([2, 5], 20)
        for s in (1, 1, 2)
    )
    assert first == again != other
