"""The stack: texts apart and together, whole and in parts, with and without a memory."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from components.layer_groups import layer_groups
from components.token_embeddings import TokenEmbeddings
from components.transformer import Transformer

B, T, D, HEADS, INNER = 3, 7, 12, 3, 16
LENGTHS = (7, 4, 1)
MASK = np.arange(T) < np.array(LENGTHS)[:, None]
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(B, T, D)).astype(np.float32)
MEMORY = RANDOM.normal(size=(B, 5, D)).astype(np.float32)
MEMORY_MASK = np.arange(5) < np.array([5, 1, 3])[:, None]
NORMS = pytest.mark.parametrize("norm", ["post", "pre"])


def built(**options):
    """Two layers without dropout, and weights that are large enough to matter."""
    settings = {"num_layers": 2, "num_heads": HEADS, "inner": INNER, "dropout": 0.0}
    stack = Transformer(**settings | {"attention_dropout": 0.0} | options)
    stack.build((None, None, D))
    random = np.random.default_rng(1)
    for weight in stack.weights:
        weight.assign(random.normal(size=weight.shape) / 2)
    return stack


@NORMS
def test_layers_one_after_the_other(norm):
    stack = built(norm=norm)
    x = X
    for layer in stack.layers:
        x, _ = layer(x)
    expected = stack.last_norm(x) if norm == "pre" else x
    np.testing.assert_allclose(stack(X), expected, atol=1e-6)


@NORMS
def test_padding_is_0_and_changes_nothing(norm):
    stack = built(norm=norm)
    changed = np.where(MASK[..., None], X, 100 * X + 3)
    found = stack(X, mask=MASK)
    np.testing.assert_array_equal(found, stack(changed, mask=MASK))
    np.testing.assert_array_equal(found.numpy()[~MASK], 0)
    for n, length in enumerate(LENGTHS):
        np.testing.assert_allclose(stack(X[n : n + 1, :length])[0], found[n, :length], atol=1e-5)


@NORMS
@pytest.mark.parametrize("causal", [False, True])
def test_a_causal_stack_sees_nothing_of_what_comes_later(norm, causal):
    stack = built(norm=norm, causal=causal)
    changed = X.copy()
    changed[:, 3] *= -1
    moved = np.abs(stack(changed) - stack(X)).max(axis=-1)
    assert moved[:, 3:].min() > 1e-4
    assert (moved[:, :3].max() == 0) == causal


@NORMS
@pytest.mark.parametrize("causal", [False, True])
def test_a_packed_row_is_its_texts_apart(norm, causal):
    ids = RANDOM.integers(1, 20, (2, 9)).astype(np.int32)
    segments = np.array([[1, 1, 1, 2, 3, 3, 3, 3, 0], [1] * 9], np.int32)
    positions = np.array([[0, 1, 2, 0, 0, 1, 2, 3, 0], [*range(9)]], np.int32)
    embeddings = TokenEmbeddings(20, D, max_length=9, dropout=0.0)
    embeddings.build((None, None))
    for weight in embeddings.weights:
        weight.assign(RANDOM.normal(size=weight.shape))
    stack = built(norm=norm, causal=causal)
    mask = segments > 0
    vectors = embeddings(ids, positions=positions)
    found = stack(vectors, mask=mask, segments=segments)
    np.testing.assert_allclose(
        np.where(mask[..., None], stack(vectors, segments=segments), 0), found, atol=1e-6
    )
    for row, number in ((0, 1), (0, 2), (0, 3), (1, 1)):
        own = segments[row] == number
        alone = stack(embeddings(ids[row : row + 1, own]))
        np.testing.assert_allclose(found[row][own], alone[0], atol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@NORMS
def test_a_row_of_padding_only_is_finite(norm, policy):
    stack = built(norm=norm, causal=True, cross=True, dtype=policy)
    mask, memory_mask = MASK.copy(), MEMORY_MASK.copy()
    mask[1], memory_mask[2] = False, False
    weights = [v.value for v in stack.trainable_variables]
    with tf.GradientTape() as tape:
        found = stack(X, mask=mask, memory=MEMORY, memory_mask=memory_mask)
        loss = tf.reduce_mean(tf.square(ops.cast(found, "float32") - 1))
    np.testing.assert_array_equal(ops.cast(found, "float32")[1], 0)
    for tensor in (found, *tape.gradient(loss, weights)):
        assert np.isfinite(ops.cast(tensor, "float32")).all()


@NORMS
@pytest.mark.parametrize("cross", [False, True])
def test_reading_in_parts_is_reading_whole(norm, cross):
    """Rows begin with 3, 1 and 2 tokens, go on by 2, 3 and 1, and then token by token."""
    stack = built(norm=norm, causal=True, cross=cross)
    memory = {"memory": MEMORY, "memory_mask": MEMORY_MASK} if cross else {}
    whole = stack(X, **memory).numpy()
    if cross:
        memory["memory"] = stack.read_memory(MEMORY)
    cache, start = stack.empty_cache(B, T), np.zeros(B, np.int32)
    for counts in ((3, 1, 2), (2, 3, 1), (1, 1, 1), (1, 1, 1)):
        new = np.full((B, max(counts), D), 9.0, np.float32)  # 9 is padding
        for row, count in enumerate(counts):
            new[row, :count] = X[row, start[row] : start[row] + count]
        found, cache = stack.extend(new, cache, start, **memory)
        for row, count in enumerate(counts):
            expected = whole[row, start[row] : start[row] + count]
            np.testing.assert_allclose(found[row, :count], expected, atol=1e-5)
        start = start + np.array(counts, np.int32)


def test_a_served_loop_carries_the_cache(tmp_path):
    """Shapes stay the same in the loop of a SavedModel, whatever the batch and the lengths."""
    stack = built(causal=True)
    length = 9

    @tf.function(input_signature=[tf.TensorSpec([None, None, D]), tf.TensorSpec([None], tf.int32)])
    def write(x, lengths):
        """What the stack makes of each next token, which is what it made of the last one."""
        found, cache = stack.extend(x, stack.empty_cache(tf.shape(x)[0], length), 0)
        last = tf.gather(found, lengths - 1, batch_dims=1)

        def step(n, last, cache):
            found, cache = stack.extend(last[:, None], cache, lengths + n)
            return n + 1, found[:, 0], cache

        return tf.while_loop(lambda n, *_: n < 2, step, (0, last, cache))[1]

    module = tf.Module()
    module.stack, module.write = stack.variables, write
    tf.saved_model.save(module, str(tmp_path))
    served = tf.saved_model.load(str(tmp_path))
    found = served.write(X, tf.constant(LENGTHS))
    for n, count in enumerate(LENGTHS):
        text = X[n : n + 1, :count]
        for _ in range(2):
            text = np.concatenate([text, stack(text)[:, -1:]], axis=1)
        np.testing.assert_allclose(found[n], stack(text)[0, -1], atol=1e-5)


def test_only_a_causal_stack_reads_in_parts():
    stack = built()
    with pytest.raises(ValueError, match="Received: causal=False"):
        stack.extend(X, stack.empty_cache(B, T), 0)


def test_a_memorys_padding_is_not_looked_at():
    stack = built(cross=True)
    changed = np.where(MEMORY_MASK[..., None], MEMORY, -MEMORY)
    masks = {"mask": MASK, "memory_mask": MEMORY_MASK}
    found, weights = stack(X, memory=MEMORY, return_weights=True, **masks)
    np.testing.assert_array_equal(stack(X, memory=changed, **masks), found)
    assert np.abs(stack(X, mask=MASK, memory=changed) - found).max() > 0.01
    assert len(weights) == 2
    for layer in weights:
        for own, seen in (("weights", MASK), ("cross_weights", MEMORY_MASK)):
            shares = layer[own].numpy()
            assert shares.dtype == np.float32
            np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-6)
            np.testing.assert_array_equal(np.moveaxis(shares, 3, 1)[~seen], 0)


def test_dropout_in_training_only_and_from_the_seed():
    rates = {"dropout": 0.3, "attention_dropout": 0.3}
    plain = built()(X)
    first, again, other = (built(**rates, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first(X), plain)
    trained = first(X, training=True)
    np.testing.assert_array_equal(trained, again(X, training=True))
    assert np.abs(trained - plain).max() > 0.1
    assert np.abs(trained - other(X, training=True)).max() > 0.1


def test_paths_of_weights():
    x = keras.Input((None, D))
    stack = Transformer(1, HEADS, INNER, norm="pre", cross=True, name="encoder")
    model = keras.Model(x, stack(x, memory=x))
    attends = ["qkv_kernel", "qkv_bias", "output_kernel", "output_bias"]
    looks = ["query_kernel", "query_bias", "key_value_kernel", "key_value_bias", *attends[2:]]
    names = [f"layer_0/attention/{name}" for name in attends]
    names += [f"layer_0/cross_attention/{name}" for name in looks]
    names += [
        f"layer_0/{part}/{name}" for part in ("inner", "outer") for name in ("kernel", "bias")
    ]
    norms = [f"layer_0/{name}_norm" for name in ("attention", "cross", "feed_forward")]
    names += [f"{norm}/{name}" for norm in (*norms, "norm") for name in ("gamma", "beta")]
    assert sorted(weight.path for weight in model.weights) == sorted(f"encoder/{n}" for n in names)


@NORMS
def test_groups_are_the_layers_from_the_lowest(norm):
    x = keras.Input((None, D))
    stack = Transformer(3, HEADS, INNER, norm=norm, name="encoder")
    model = keras.Model(x, keras.layers.Dense(1, name="head")(stack(x)))
    groups = layer_groups(model)
    assert len(groups) == 4
    for n, group in enumerate(groups[:3]):
        assert {v.path.split("/")[1] for v in group} <= {f"layer_{n}", "norm"}
    assert any(v.path == "encoder/norm/gamma" for v in groups[2]) == (norm == "pre")
    assert {v.path for v in groups[3]} == {"head/kernel", "head/bias"}
