"""ULMFiT's classifier: an AWD-LSTM over a whole text, pooled, and a head."""

import keras
from keras import ops

from components.block_head import BlockHead
from components.turned import Turned
from configs.models import AwdLstm
from configs.recipe import Recipe
from pipeline.build.awd_lstm import words_and_encoder


def awd_classifier(recipe: Recipe, model: AwdLstm, size: int, num_labels: int) -> keras.Model:
    """What reads the words has the weight paths that it has in a language model.

    A batch is filled up with rows that are padding alone. A text has words, so that a row without
    any is no example, and the head's statistics leave it out.
    """
    words, encoder = words_and_encoder(recipe, model, size, recipe.train.window)
    head = BlockHead(
        num_labels,
        model.head.width,
        model.head.dropouts,
        recipe.seed + 101,
        dtype=recipe.train.precision,
        name="head",
    )
    ids = keras.Input((None,), dtype="int32", name="ids")
    mask = ops.not_equal(ids, 0)
    read = Turned(name="turned")(ids, mask=mask) if model.backward else ids
    vectors, _ = words(read)
    logits = head(encoder(vectors, mask=mask), real=ops.any(mask, axis=1))
    return keras.Model({"ids": ids}, {"logits": logits}, name=model.kind)
