"""Which of the ways through a recurrent layer is the fastest here; all give the same numbers."""

import functools
import logging

import keras

from components import recurrent_steps


def fastest(options, dropped, keep, training):
    """One of the functions `run`, which have one signature.

    TensorFlow: cuDNN to train where there is a GPU and it can do what is asked, else the loop with
    its derivative written out. What answers may be exported, and cuDNN's operation has no kernel
    for the CPU that may serve it. Other backends: the portable loop.
    """
    if keras.backend.backend() != "tensorflow":
        _announce("in the portable loop")
        return recurrent_steps.run
    from components import cudnn_recurrence, fast_recurrence

    gpu = training and cudnn_recurrence.has_gpu()
    if gpu and cudnn_recurrence.suits(options, dropped, keep):
        _announce("by cuDNN through Keras")
        return cudnn_recurrence.run
    _announce("in the loop with its derivative written out")
    return fast_recurrence.run


@functools.cache
def _announce(way):
    logging.getLogger("textmill").info("recurrent layers run %s", way)
