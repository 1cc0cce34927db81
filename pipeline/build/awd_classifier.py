"""ULMFiT's classifier: an AWD-LSTM over a whole text, pooled, and a head."""

import keras

from configs.models import AwdLstm
from configs.recipe import Recipe


def awd_classifier(recipe: Recipe, model: AwdLstm, size: int, num_labels: int) -> keras.Model:
    raise NotImplementedError
