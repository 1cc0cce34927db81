"""The compiled step on one device, against what NumPy and plain TensorFlow say it should do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components import losses
from configs.training import Adam, Train
from pipeline import batching, build, data
from pipeline.training.randomness import StepSeeds, seed_generators
from pipeline.training.step import Step

IDS = np.array([[1, 1, 2, 1], [2, 3, 0, 0], [3, 1, 0, 0], [1, 2, 3, 0]], np.int32)
BATCH = {"ids": IDS, "label": np.array([0, 1, 1, 0]), "weight": np.array([1, 1, 0.5, 0], "f")}


def a_model(dropout=0.0, dtype="float32"):
    ids = keras.Input((None,), dtype="int32", name="ids")
    normal = keras.initializers.RandomNormal(seed=3)
    x = keras.layers.Embedding(4, 6, embeddings_initializer=normal)(ids)
    x = keras.layers.GlobalAveragePooling1D()(x)
    x = keras.layers.Dropout(dropout, seed=1)(x)
    kernel = keras.initializers.RandomNormal(stddev=0.5, seed=4)
    logits = keras.layers.Dense(2, kernel_initializer=kernel, dtype=dtype)(x)
    return keras.Model({"ids": ids}, {"logits": logits})


def a_step(model, seed=0, **settings):
    settings = Train(**settings)
    optimizer = build.build_optimizer(settings, 10, [model.trainable_variables])
    strategy = tf.distribute.get_strategy()
    ids = data.Sequences(IDS[0], np.array([0, 4]))
    split = data.Split({"ids": ids}, BATCH["label"], ["x"], {}, BATCH["weight"])
    signature = batching.signature(split)
    return Step(model, optimizer, loss, strategy, settings, seed, signature)


def loss(outputs, batch):
    return losses.softmax_cross_entropy(outputs["logits"], batch["label"])


def gradients(model):
    """Of the weighted mean loss, dense, by a plain tape."""
    weight = tf.constant(BATCH["weight"])
    with tf.GradientTape() as tape:
        each = loss(model({"ids": IDS}), BATCH)
        mean = tf.reduce_sum(each * weight) / tf.reduce_sum(weight)
    sources = [v.value for v in model.trainable_variables]
    return [tf.convert_to_tensor(g).numpy() for g in tape.gradient(mean, sources)]


def test_adam_squares_the_sum_of_a_repeated_tokens_gradients():
    """Token 1 stands four times in the batch; one Adam step moves by rate * g / (|g| + eps)."""
    model = a_model()
    before = model.get_weights()
    expected = gradients(model)
    a_step(model, learning_rate=0.1, optimizer=Adam(epsilon=1.0))(BATCH, 0, False)
    for was, now, g in zip(before, model.get_weights(), expected, strict=True):
        assert now == pytest.approx(was - 0.1 * g / (np.abs(g) + 1.0), abs=1e-6)


@pytest.mark.parametrize("clip", [0.01, 0.1, 100.0])
def test_clipping_is_by_the_global_norm(clip):
    model = a_model()
    before = model.get_weights()
    expected = gradients(model)
    norm = np.sqrt(sum((g**2).sum() for g in expected))
    step = a_step(model, learning_rate=1.0, optimizer={"kind": "sgd"}, clip_norm=clip)
    answer = step(BATCH, 0, False)
    assert float(answer["norm"]) == pytest.approx(norm, rel=1e-5)
    for was, now, g in zip(before, model.get_weights(), expected, strict=True):
        assert now == pytest.approx(was - g * min(1.0, clip / norm), abs=1e-6)


def test_parts_of_a_batch_add_up_to_the_batch():
    whole, parts = a_model(), a_model()
    one = a_step(whole, accumulation=1)(BATCH, 0, False)
    four = a_step(parts, accumulation=4)(BATCH, 0, False)
    assert float(one["loss"]) == pytest.approx(float(four["loss"]), rel=1e-6)
    for a, b in zip(whole.get_weights(), parts.get_weights(), strict=True):
        assert a == pytest.approx(b, abs=1e-6)


def test_a_row_of_weight_0_changes_nothing():
    with_row, without = a_model(), a_model()
    a_step(with_row)(BATCH, 0, False)
    a_step(without)({name: x[:3] for name, x in BATCH.items()}, 0, False)
    for a, b in zip(with_row.get_weights(), without.get_weights(), strict=True):
        assert a == pytest.approx(b, abs=1e-7)


def test_weight_decay_spares_biases():
    model = a_model()
    model.layers[-1].bias.assign([5.0, 5.0])
    before = [v.numpy() for v in model.trainable_variables]
    settings = {"optimizer": {"kind": "sgd", "weight_decay": 0.5}, "learning_rate": 0.1}
    expected = gradients(model)
    a_step(model, **settings)(BATCH, 0, False)
    for variable, was, g in zip(model.trainable_variables, before, expected, strict=True):
        kept = was if len(was.shape) < 2 else was * (1 - 0.1 * 0.5)
        assert variable.numpy() == pytest.approx(kept - 0.1 * g, abs=1e-6)


def test_the_average_of_the_weights_follows_them():
    model = a_model()
    step = a_step(model, ema=0.5, learning_rate=0.1)
    average = None
    for number in range(4):
        step(BATCH, number, False)
        now = [v.numpy() for v in model.trainable_variables]
        # The first average is the first value, so no correction is due.
        average = (
            now
            if average is None
            else [0.5 * a + 0.5 * b for a, b in zip(average, now, strict=True)]
        )
    with step.average.shown():
        for variable, value in zip(model.trainable_variables, average, strict=True):
            assert variable.numpy() == pytest.approx(value, abs=1e-6)
    for variable, value in zip(model.trainable_variables, now, strict=True):
        assert (variable.numpy() == value).all()


def test_an_overflow_in_float16_skips_the_update_and_halves_the_scale():
    model = a_model(dtype="mixed_float16")
    step = a_step(model, precision="mixed_float16")
    step.scale.assign(3e38)
    before = model.get_weights()
    answer = step(BATCH, 0, False)
    assert not np.isfinite(float(answer["norm"]))
    assert np.isfinite(float(answer["loss"]))
    assert float(step.scale) == pytest.approx(1.5e38)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    step.scale.assign(1024.0)
    step(BATCH, 1, False)
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


class TestSeeds:
    def masks(self, seed=0, step=0, calls=1):
        layers = [keras.layers.Dropout(0.5, seed=1), keras.layers.Dropout(0.5, seed=1)]
        inputs = keras.Input((64,))
        model = keras.Model(inputs, layers[1](layers[0](inputs)))
        assert len(seed_generators(model)) == 2
        seeds = StepSeeds(model, seed)
        seeds.at(tf.constant(step))
        ones = tf.ones([1, 64])
        return [layer(ones, training=True).numpy() for layer in layers for _ in range(calls)]

    def test_the_same_moment_gives_the_same_masks(self):
        assert np.array_equal(self.masks(), self.masks())

    def test_layers_calls_seeds_and_moments_differ(self):
        drawn = [*self.masks(calls=2), *self.masks(step=1), *self.masks(seed=1)]
        assert len({mask.tobytes() for mask in drawn}) == len(drawn)

    def test_half_is_dropped(self):
        kept = np.mean([self.masks(step=step)[0] > 0 for step in range(50)])
        assert kept == pytest.approx(0.5, abs=0.03)


def test_steps_differ_and_repeat_with_dropout():
    def after(step_number):
        model = a_model(dropout=0.5)
        a_step(model, seed=7)(BATCH, step_number, False)
        return np.concatenate([w.ravel() for w in model.get_weights()])

    assert np.array_equal(after(3), after(3))
    assert not np.array_equal(after(3), after(4))


def test_parts_of_a_batch_drop_different_units():
    """Two equal halves: part 0 and 1 of step 0 are the moments that whole steps 0 and 1 have."""
    halves = {name: np.concatenate([x, x]) for name, x in BATCH.items()}

    def lost(batch, number, accumulation):
        step = a_step(a_model(dropout=0.5), accumulation=accumulation)
        return float(step(batch, number, False)["loss"])

    first, second = lost(BATCH, 0, 1), lost(BATCH, 1, 1)
    assert abs(first - second) > 1e-4
    assert lost(halves, 0, 2) == pytest.approx(first + second, abs=1e-6)


def test_what_a_checkpoint_must_hold():
    names = a_step(a_model(), ema=0.9).variables().keys()
    assert {"loss_scale", "good_steps", "optimizer/iteration"} <= names
    for slot in ("momentum", "velocity", "average/"):
        assert sum(slot in name for name in names) == 3
