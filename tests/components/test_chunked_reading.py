"""Texts read in chunks against an explicit loop over chunks, in values, gradients and memory."""

import numpy as np
import pytest
import tensorflow as tf

from components import chunked_reading, fast_chunked_reading
from components.awd_lstm import AwdLstm
from components.pooling import Pool

LENGTHS, T, D, WIDTH = (3, 0, 9, 7), 9, 4, 5
ROWS = len(LENGTHS)
RANDOM = np.random.default_rng(0)
MASK = tf.constant(np.arange(T) < np.array(LENGTHS)[:, None])
X = tf.constant(RANDOM.normal(size=(ROWS, T, D)).astype(np.float32))  # garbage at padding
PULL = RANDOM.normal(size=(ROWS, 3 * WIDTH)).astype(np.float32)  # on each pooled value
SIGNATURE = [tf.TensorSpec([None, None, D]), tf.TensorSpec([None, None], tf.bool)]
WAYS = {"portable": chunked_reading.portable, "fast": fast_chunked_reading.features}


def an_encoder(dropout=0.4, dtype="float32", window=None, num_layers=2):
    drops = dict.fromkeys(("input_dropout", "hidden_dropout", "weight_dropout"), dropout)
    encoder = AwdLstm(6, WIDTH, num_layers, **drops, window=window, seed=3, dtype=dtype)
    encoder.build((None, None, D))
    for weight in encoder.weights:
        weight.assign(2 * weight)  # further from 0, so that states matter
    return encoder


def by_hand(encoder, x, drawn, mask, window, training=True):
    """A Python loop over the chunks, under TensorFlow's own tape."""
    state, outputs = None, []
    for start in range(0, x.shape[1], window):
        chunk, real = x[:, start : start + window], mask[:, start : start + window]
        output, state = encoder.read(chunk, drawn, real, state, training=training)
        state = [tf.stop_gradient(s) for s in state]
        outputs.append(output)
    return Pool("concat", dtype=encoder.dtype_policy)(tf.concat(outputs, axis=1), mask=mask)[0]


def variables(encoder):
    return [variable.value for variable in encoder.trainable_variables]


def gradients(way, encoder, window, x=X, mask=MASK, watched=None, compiled=True, pull=PULL):
    """The features, and the gradients of x and of the weights, with the same draws every time."""
    watched = variables(encoder) if watched is None else watched

    def step(x):
        for n, generator in enumerate([encoder.generator, *(i.generator for i in encoder.layers)]):
            generator.state.assign([7, n])
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([x, *watched])
            features = way(encoder, x, encoder.draw(tf.shape(x)[0], True), mask, window, True)
            loss = tf.reduce_sum(tf.cast(features, tf.float32) * pull)
        return [features, *tape.gradient(loss, [x, *watched])]

    return (tf.function(step) if compiled else step)(x)


@pytest.mark.parametrize(
    ("way", "window", "compiled"),
    [("fast", 2, True), ("fast", 4, True), ("fast", 4, False), ("portable", 4, True)],
)
def test_features_and_gradients_are_those_of_the_loop_by_hand(way, window, compiled):
    """Dropped weights and features included: the second reading drops what the first one did."""
    encoder = an_encoder()
    expected = gradients(by_hand, encoder, window, compiled=False)
    found = gradients(WAYS[way], encoder, window, compiled=compiled)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)
        assert np.abs(other).max() > 0.01


@pytest.mark.parametrize("way", WAYS)
def test_features_are_those_of_one_reading(way):
    encoder = an_encoder()
    drawn = encoder.draw(ROWS)
    expected, _ = Pool("concat")(encoder.read(X, drawn, MASK)[0], mask=MASK)
    for window in (4, T + 1):
        features = WAYS[way](encoder, X, drawn, MASK, window, False)
        np.testing.assert_allclose(features, expected, atol=1e-6)
        np.testing.assert_array_equal(features[LENGTHS.index(0)], 0)


@pytest.mark.parametrize("way", WAYS)
def test_in_one_chunk_nothing_is_cut(way):
    encoder = an_encoder()

    def whole(encoder, x, drawn, mask, window, training):
        return Pool("concat")(encoder.read(x, drawn, mask, training=training)[0], mask=mask)[0]

    expected = gradients(whole, encoder, None)
    for one, other in zip(gradients(WAYS[way], encoder, T + 1), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)
    cut = gradients(by_hand, encoder, 4, compiled=False)
    assert np.abs(cut[1] - expected[1]).max() > 1e-3


def test_padding_gets_no_gradient_and_changes_none():
    encoder, way = an_encoder(dropout=0.0), fast_chunked_reading.features
    whole = gradients(way, encoder, 4, compiled=False)[1]
    for row, length in enumerate(LENGTHS):
        np.testing.assert_array_equal(whole[row, length:], 0)
        if length:
            here = slice(row, row + 1)
            text = X[here, :length], MASK[here, :length]
            alone = gradients(way, encoder, 4, *text, compiled=False, pull=PULL[here])[1]
            np.testing.assert_allclose(whole[row, :length], alone[0], atol=1e-6)


def test_in_16_bits():
    way = fast_chunked_reading.features
    exact = gradients(by_hand, an_encoder(), 4, compiled=False)
    low = gradients(way, an_encoder(dtype="mixed_bfloat16"), 4)
    assert low[0].dtype == tf.bfloat16
    for one, other in zip(low[:1] + low[2:], exact[:1] + exact[2:], strict=True):
        one, other = tf.cast(one, tf.float32), tf.cast(other, tf.float32)
        assert tf.norm(one - other) < 0.05 * tf.norm(other)


def test_a_tape_around_a_compiled_model_gets_the_same_gradients():
    encoder, x = an_encoder(dropout=0.0), tf.Variable(X)

    @tf.function
    def compiled():
        drawn, vectors = encoder.draw(ROWS), tf.convert_to_tensor(x)
        return fast_chunked_reading.features(encoder, vectors, drawn, MASK, 4, True)

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(compiled() * PULL)
    found = tape.gradient(loss, [x, *variables(encoder)])
    expected = gradients(by_hand, encoder, 4, compiled=False)[1:]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)


def traced(way, active, window=4):
    """A training step on texts of any length: its operations, with those inside of loops."""
    encoder = an_encoder(num_layers=3)
    head = tf.Variable(PULL)
    watched = [v.value for layer in encoder.layers[-active:] for v in layer.trainable_variables]
    watched = watched if active else []

    @tf.function(input_signature=SIGNATURE)
    def step(x, mask):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([head, *watched])
            features = way(encoder, x, encoder.draw(tf.shape(x)[0], True), mask, window, True)
            loss = tf.reduce_sum(features * head)
        return tape.gradient(loss, [head, *watched])

    graph = step.get_concrete_function().graph.as_graph_def()
    return graph.node, {f.signature.name: f.node_def for f in graph.library.function}


def loops(nodes):
    return [node for node in nodes if node.op in ("While", "StatelessWhile")]


def with_inner_loops(nodes, library):
    """All loops that a step would run, the outer ones first."""
    inside = [library[node.attr["body"].func.name] for node in loops(nodes)]
    return loops(nodes) + [loop for body in inside for loop in with_inner_loops(body, library)]


@pytest.mark.parametrize("active", [0, 1, 3])
def test_frozen_layers_cost_no_way_back(active):
    """Three layers are a loop each in the chunks' loop; read again, if anything below the head
    trains; and one more loop, back, for each layer that does.
    """
    forward, again, outer = 3, 3 if active else 0, 2 if active else 1
    found = with_inner_loops(*traced(fast_chunked_reading.features, active))
    assert len(found) == outer + forward + again + active


def test_the_activations_of_one_chunk_are_in_memory():
    """What a loop hands on of each of its steps are lists: there is one for the start of each
    state, and on the way back one for the gradients of x. The portable way keeps much more.
    """

    def kept(way):
        nodes, _ = traced(way, 3)
        types = [list(node.attr["T"].list.type) for node in loops(nodes)]
        return [some.count(tf.variant.as_datatype_enum) for some in types]

    states = 2 * 3
    assert kept(fast_chunked_reading.features) == [states, 1]
    assert kept(chunked_reading.portable)[0] > 2 * states


def test_it_can_be_exported_for_texts_of_any_length(tmp_path):
    encoder = an_encoder(window=4)
    module = tf.Module()
    module.encoder = encoder.weights
    module.read = tf.function(lambda x, mask: encoder(x, mask=mask), input_signature=SIGNATURE)
    tf.saved_model.save(module, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    np.testing.assert_allclose(loaded.read(X, MASK), encoder(X, mask=MASK), atol=1e-6)
    for x in (X[:0], X[:, :0], X[:2, :1]):
        features = loaded.read(x, MASK[: x.shape[0], : x.shape[1]])
        assert features.shape == (x.shape[0], 3 * WIDTH)
