"""A BERT of the components alone, with weights that were read."""

import numpy as np

from components.pooler import Pooler
from components.token_embeddings import TokenEmbeddings
from components.transformer import Transformer


class BertLayers:
    """Args: model, `configs.transformers.Bert`; weights, by path."""

    def __init__(self, model, weights):
        rows, width = weights["embeddings/table"].shape
        norm = {"epsilon": model.epsilon}
        self.embeddings = TokenEmbeddings(
            rows, width, model.positions, num_types=2, name="embeddings", **norm
        )
        self.encoder = Transformer(
            model.layers, model.heads, model.inner, model.activation, name="encoder", **norm
        )
        self.pooler = Pooler(name="pooler")
        self.embeddings.build((None, None))
        for layer in (self.encoder, self.pooler):
            layer.build((None, None, width))
        for layer in (self.embeddings, self.encoder, self.pooler):
            for variable in layer.weights:
                if variable.dtype != "uint32":  # seeds
                    variable.assign(weights[variable.path])

    def __call__(self, ids, types):
        """(B, T) ids and types -> vectors of the tokens, (B, T, D), and of the texts, (B, D)."""
        ids, types = np.asarray(ids, np.int32), np.asarray(types, np.int32)
        hidden = self.encoder(self.embeddings(ids, types), mask=ids != 0)
        return hidden.numpy(), self.pooler(hidden)[0].numpy()
