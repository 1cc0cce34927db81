"""Pooled features against NumPy on each text alone, and what the poolings say besides."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from components.attention_scores import KINDS
from components.pooling import POOLS, AttentionPool, Pool, SelfAttentivePool

LENGTHS, WIDTH, UNITS = (1, 3, 7, 0), 6, 5
TOKENS = max(LENGTHS) + 1
MASK = np.arange(TOKENS) < np.array(LENGTHS)[:, None]
# Below 0, so that neither zeros nor padding may win a maximum; garbage where there is no token.
X = np.random.default_rng(0).uniform(-3, -1, (len(LENGTHS), TOKENS, WIDTH)).astype(np.float32)
X[~MASK] += 9
TEXTS = [x[:length].astype(float) for x, length in zip(X, LENGTHS, strict=True)]
POLICIES = ["float32", "mixed_bfloat16", "mixed_float16"]
LAYERS = {
    **{kind: lambda kind=kind, **k: Pool(kind, **k) for kind in POOLS},
    **{
        f"{score}_{query}{'_hard' * hard}": lambda s=score, q=query, h=hard, **k: AttentionPool(
            s, UNITS, 4, q, h, seed=3, **k
        )
        for score in KINDS
        for query in ("learned", "last", "ends")
        for hard in (False, True)
    },
    "hops": lambda **k: SelfAttentivePool(3, UNITS, 0.5, seed=3, **k),
}
HALF = WIDTH // 2
BY_HAND = {
    "last": lambda text: text[-1],
    "ends": lambda text: np.concatenate([text[-1, :HALF], text[0, HALF:]]),
    "max": lambda text: text.max(axis=0),
    "mean": lambda text: text.mean(axis=0),
    "concat": lambda text: np.concatenate([text[-1], text.max(axis=0), text.mean(axis=0)]),
    "concat_ends": lambda text: np.concatenate(
        [text[-1, :HALF], text[0, HALF:], text.max(axis=0), text.mean(axis=0)]
    ),
}


def softmax(scores):
    powers = np.exp(scores)
    return powers / powers.sum(-1, keepdims=True)


@pytest.mark.parametrize("kind", BY_HAND)
def test_pools_without_weights(kind):
    features, extras = Pool(kind)(X, mask=MASK)
    for text, got in zip(TEXTS, features, strict=True):
        expected = BY_HAND[kind](text) if len(text) else np.zeros(features.shape[1])
        np.testing.assert_allclose(got, expected, atol=1e-6)
    assert extras == {}


def test_ends_are_the_last_states_of_a_bidirectional_layer():
    lstm = keras.layers.LSTM(4, return_sequences=True, return_state=True)
    encoder = keras.layers.Bidirectional(lstm)
    outputs, forward, _, backward, _ = encoder(X, mask=MASK)
    expected = np.concatenate([forward, backward], axis=-1)[:3]
    np.testing.assert_allclose(Pool("ends")(outputs, mask=MASK)[0][:3], expected, atol=1e-6)


def test_the_mean_of_many_tokens_is_not_rounded_on_the_way():
    """In bfloat16 a sum of ones stops at 256 and a count of 1001 is 1000."""
    features, _ = Pool("mean", dtype="mixed_bfloat16")(np.ones((1, 1001, 2), np.float32))
    np.testing.assert_array_equal(ops.cast(features, "float32"), np.ones((1, 2)))


@pytest.mark.parametrize("query", ["learned", "last", "ends"])
@pytest.mark.parametrize("score", KINDS)
def test_attention_pools_are_weighted_means(score, query):
    layer = AttentionPool(score, UNITS, 4, query, seed=3)
    features, extras = layer(X, mask=MASK)
    assert extras.keys() == {"attention"}
    weights = {weight.name: weight.numpy().astype(float) for weight in layer.weights}
    for n, text in enumerate(TEXTS[:3]):
        q = weights["query"][0] if query == "learned" else BY_HAND[query](text)
        hidden = {
            "additive": lambda q=q, text=text: (
                q @ weights["query_kernel"] + text @ weights["key_kernel"]
            ),
            "concat": lambda q=q, text=text: (
                np.concatenate([np.tile(q, (len(text), 1)), text], axis=1) @ weights["kernel"]
            ),
        }
        if score in hidden:
            scores = np.tanh(hidden[score]()) @ weights["vector"][:, 0]
        elif score == "location":
            scores = np.full(len(text), -np.inf)
            scores[:4] = (q @ weights["kernel"])[: len(text)]
        else:
            scores = text @ (q @ weights["kernel"] if score == "general" else q)
            scores = scores / WIDTH**0.5 if score == "scaled_dot" else scores
        share = softmax(scores)
        np.testing.assert_allclose(extras["attention"][n, 0, : len(text)], share, atol=1e-5)
        np.testing.assert_allclose(features[n], share @ text, atol=1e-5)
        np.testing.assert_array_equal(extras["attention"][n, 0, len(text) :], 0)


def test_a_hard_pool_is_the_vector_of_one_token():
    layer = AttentionPool("dot", query="last", hard=True, seed=3)
    _, soft = AttentionPool("dot", query="last")(X, mask=MASK)
    features, extras = layer(X, mask=MASK)
    assert extras.keys() == {"attention", "log_probability"}
    for n, text in enumerate(TEXTS[:3]):
        place = int(np.argmax(text @ text[-1]))
        np.testing.assert_allclose(features[n], text[place], atol=1e-6)
        np.testing.assert_array_equal(extras["attention"][n, 0], np.arange(TOKENS) == place)
        expected = np.log(soft["attention"][n, 0, place])
        np.testing.assert_allclose(extras["log_probability"][n], expected, atol=1e-5)
    draws = [layer(X, mask=MASK, training=True)[1]["attention"][2, 0] for _ in range(30)]
    assert len({int(np.argmax(draw)) for draw in draws}) > 1


def test_hops_and_their_penalty_are_those_of_the_paper():
    layer = SelfAttentivePool(3, UNITS, 0.5, seed=3)
    features, extras = layer(X, mask=MASK)
    inner, outer = (weight.numpy().astype(float) for weight in layer.weights)
    assert extras["attention"].shape == (len(TEXTS), 3, TOKENS)
    for n, text in enumerate(TEXTS):
        weights = softmax(outer.T @ np.tanh(inner.T @ text.T)) if len(text) else np.zeros((3, 0))
        np.testing.assert_allclose(extras["attention"][n, :, : len(text)], weights, atol=1e-6)
        np.testing.assert_allclose(features[n], (weights @ text).ravel(), atol=1e-5)
        distance = np.linalg.norm(weights @ weights.T - np.eye(3), "fro") ** 2
        np.testing.assert_allclose(extras["penalty"][n], 0.5 * distance, atol=1e-5)
    assert SelfAttentivePool(3)(X)[1].keys() == {"attention"}


def test_the_penalty_is_0_only_when_each_hop_has_a_token_of_its_own():
    layer = SelfAttentivePool(2, 4, 1.0)
    x = np.eye(4, dtype=np.float32)[None, :2]  # two tokens, two hops
    layer(x)
    layer.inner.assign(np.eye(4) * 9)
    apart, together = np.eye(4)[:, :2] * 99, np.eye(4)[:, [0, 0]] * 99
    for outer, expected in ((apart, 0.0), (together, 2.0)):
        layer.outer.assign(outer)
        np.testing.assert_allclose(layer(x)[1]["penalty"], [expected], atol=1e-5)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", LAYERS)
def test_empty_texts_give_zeros_finite_gradients_and_float32_extras(name, policy):
    layer, x = LAYERS[name](dtype=policy), tf.constant(X)
    layer(x)
    watched = [x, *(v.value for v in layer.trainable_variables)]
    with tf.GradientTape() as tape:
        tape.watch(x)
        features, extras = layer(x, mask=MASK)
        loss = tf.reduce_sum(tf.square(ops.cast(features, "float32") - 1))
        loss += sum(tf.reduce_sum(x) for name, x in extras.items() if name != "attention")
    assert features.dtype == layer.compute_dtype
    assert {x.dtype.name for x in extras.values()} <= {"float32"}
    np.testing.assert_array_equal(ops.cast(features, "float32")[3], 0)
    np.testing.assert_array_equal(extras.get("attention", np.zeros((4, 1, TOKENS)))[3], 0)
    for gradient in tape.gradient(loss, watched):
        assert np.isfinite(np.asarray(gradient)).all()


@pytest.mark.filterwarnings("ignore:You are using a softmax")  # over the only token of a text
@pytest.mark.parametrize("name", LAYERS)
def test_extras_of_a_text_alone_are_those_in_a_padded_batch(name):
    layer = LAYERS[name]()
    features, extras = layer(X, mask=MASK)
    for n, length in enumerate(LENGTHS[:3]):
        alone, its_extras = layer(X[n : n + 1, :length])
        np.testing.assert_allclose(alone[0], features[n], atol=1e-6)
        assert its_extras.keys() == extras.keys()
        for key, expected in extras.items():
            expected = expected[n, :, :length] if key == "attention" else expected[n]
            np.testing.assert_allclose(its_extras[key][0], expected, atol=1e-6)


def test_a_model_may_have_the_extras_among_its_outputs():
    x, mask = keras.Input((None, WIDTH)), keras.Input((None,), dtype="bool")
    for name, make in LAYERS.items():
        layer = make()
        features, extras = layer(x, mask=mask)
        model = keras.Model([x, mask], {"features": features, **extras})
        answer, (expected, its_extras) = model([X, MASK]), layer(X, mask=MASK)
        np.testing.assert_allclose(answer.pop("features"), expected, atol=1e-6, err_msg=name)
        assert answer.keys() == its_extras.keys()


def test_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="Received: 'min'"):
        Pool("min")
    with pytest.raises(ValueError, match="Received: 'first'"):
        AttentionPool(query="first")
    with pytest.raises(ValueError, match="Received: 'cosine'"):
        AttentionPool("cosine")
