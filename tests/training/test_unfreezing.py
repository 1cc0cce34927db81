"""Which weights a step moves, and what it computes for that."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_build_families import VOCABULARY, recipe

from configs.training import Train
from pipeline import build, tasks
from pipeline.training.step import Step
from pipeline.training.unfreezing import unfreeze

LSTM = "{kind: lstm, embedding: {width: 6}, units: 5, layers: 2, bidirectional: false, dropout: 0}"
GROUPS = [["embeddings"], ["encoder/layer_0"], ["encoder/layer_1"], ["head"]]
RANDOM = np.random.default_rng(0)
SIGNATURE = {
    "ids": tf.TensorSpec([None, None], tf.int32),
    "label": tf.TensorSpec([None], tf.int32),
    "weight": tf.TensorSpec([None], tf.float32),
}


def batch(length=6):
    ids = RANDOM.integers(5, len(VOCABULARY), (4, length)).astype(np.int32)
    ids[:, : len(VOCABULARY) - 5] = np.arange(5, len(VOCABULARY))[:length]
    return {"ids": ids, "label": np.array([0, 1, 2, 1], np.int32), "weight": np.ones(4, "f")}


def a_step(**settings):
    chosen, settings = recipe(LSTM), Train(**settings)
    model = build.build_model(chosen, VOCABULARY, 3)
    groups = build.layer_groups(model)
    optimizer = build.build_optimizer(settings, 10, groups)
    loss, strategy = tasks.loss_function(chosen.task), tf.distribute.get_strategy()
    return Step(model, optimizer, loss, strategy, settings, 0, SIGNATURE), groups


def moved(step, number):
    """The paths of the variables that a step changes."""
    before = [v.numpy() for v in step.model.trainable_variables]
    answer = step(batch(), number, False)
    after = [v.numpy() for v in step.model.trainable_variables]
    changed = {
        variable.path
        for variable, was, now in zip(step.model.trainable_variables, before, after, strict=True)
        if (was != now).any()
    }
    return changed, answer


def test_an_epoch_trains_a_group_more_and_nothing_else_moves():
    """Nor does weight decay move what is frozen, nor momentum."""
    optimizer = {"kind": "sgd", "momentum": 0.9, "weight_decay": 0.1}
    step, groups = a_step(optimizer=optimizer, learning_rate=0.1, log_gradients=True)
    for epoch in range(6):
        unfreeze(step, groups, epoch, begins=True)
        expected = {v.path for group in groups[-1 - epoch :] for v in group}
        for number in (2 * epoch, 2 * epoch + 1):
            changed, answer = moved(step, number)
            assert changed == expected
            assert {name for name in answer if name.startswith("norm/")} == {
                f"norm/{path}" for path in expected
            }
    assert len(expected) == len(step.model.trainable_variables)


def nodes(function, op):
    """How many nodes of an operation the graph of a step has, with all functions it calls."""
    graph = function.get_concrete_function().graph.as_graph_def()
    functions = [graph.node, *(each.node_def for each in graph.library.function)]
    return sum(node.op in (op, f"Stateless{op}") for each in functions for node in each)


def test_frozen_layers_are_not_gone_back_through():
    """A loop there for each LSTM, and one back for each that trains or has one that does below."""
    step, groups = a_step()
    loops, products = [], []
    for epoch in range(4):
        unfreeze(step, groups, epoch, begins=True)
        loops.append(nodes(step.compiled, "While"))
        products.append(nodes(step.compiled, "MatMul"))
    assert loops == [2, 3, 4, 4]
    assert products == sorted(products)
    assert products[0] < products[1] < products[2]


def test_there_is_one_trace_for_each_number_of_groups():
    step, groups = a_step()
    traced = []
    for epoch in range(6):
        unfreeze(step, groups, epoch, begins=True)
        for number, length in enumerate((6, 9, 7)):
            step(batch(length), 3 * epoch + number, False)
        assert step.compiled.experimental_get_tracing_count() == 1
        traced.append(step.compiled)
    assert len(set(map(id, traced))) == len(groups)


def test_adam_begins_with_a_group():
    """The first step of a variable is as long as the rate, whenever it comes."""
    step, groups = a_step(learning_rate=0.01)
    for number in range(5):
        unfreeze(step, groups, 0, begins=number == 0)
        step(batch(), number, False)
    unfreeze(step, groups, 1, begins=True)
    before = [v.numpy() for v in groups[-2]]
    step(batch(), 5, False)
    for variable, was in zip(groups[-2], before, strict=True):
        assert np.abs(variable.numpy() - was).max() == pytest.approx(0.01, rel=1e-3)


def test_it_says_which_layers_train(caplog):
    step, groups = a_step()
    with caplog.at_level("INFO", "textmill"):
        unfreeze(step, groups, 1, begins=True)
    assert "epoch 1 trains encoder/layer_1, head" in caplog.text


def test_going_on_in_an_epoch_leaves_the_counts_of_steps():
    step, groups = a_step()
    step.optimizer.iterations.assign(7)
    unfreeze(step, groups, 1, begins=True)
    step.optimizer.iterations.assign(9)
    unfreeze(step, groups, 1, begins=False)
    begun = keras.ops.convert_to_numpy(step.optimizer.begun.value).tolist()
    later = [any(v is one for one in groups[-2]) for group in groups for v in group]
    assert begun == [7 if late else 0 for late in later]
