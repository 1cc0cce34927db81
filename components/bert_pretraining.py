"""How BERT is pretrained: name the tokens that are hidden, and tell whether two texts go together.

Source: Devlin et al. 2019, https://arxiv.org/abs/1810.04805, section 3.1 and appendix A.2.
"""

import keras
from keras import ops

from components.losses import softmax_cross_entropy


def bert_pretraining(embeddings, encoder, masked, pooler=None, pairs=None, name="bert"):
    """Join the pieces.

    Call: {"ids" (B, T) int32 with masks in them, 0 where there is no token; "types" (B, T) int32;
        "places", "targets" (B, M) int32, where tokens are hidden and which, 0 for none} -> what
        `masked` gives; "vectors" (B, T, D), of the tokens; and with `pairs` "pooled" (B, D), of the
        whole, and "next_logits" (B, 2) float32.
    Args: embeddings, `TokenEmbeddings`; encoder, a `Transformer`; masked, a `MaskedLMHead`; pooler,
        `Pooler`, and pairs, `NextSentenceHead`, both or none.
    """
    inputs = {
        name: keras.Input((None,), dtype="int32", name=name)
        for name in ("ids", "types", "places", "targets")
    }
    ids, types, places, targets = inputs.values()
    vectors = encoder(embeddings(ids, types), mask=ops.not_equal(ids, 0))
    outputs = {**masked(vectors, places, targets, embeddings.table), "vectors": vectors}
    if pairs is not None:
        outputs["pooled"], _ = pooler(vectors)
        outputs["next_logits"] = pairs(outputs["pooled"])
    return keras.Model(inputs, outputs, name=name)


def pretraining_loss(outputs, batch, pair_weight=1.0):
    """(B,) float32, whose mean over a batch's examples is BERT's loss: the mean of all hidden
    tokens of the batch, whatever example they are in, and the mean of all pairs, weighed.

    Args: outputs, of `bert_pretraining`; batch, with "token_weight" (B,), examples of the whole
        batch divided by its hidden tokens, so that any part of its rows can be looked at alone, and
        of pairs "next" (B,) int, the right answer; pair_weight, 1 in the paper.
    """
    losses = ops.sum(outputs["losses"], axis=1) * batch["token_weight"]
    if "next_logits" in outputs:
        pairs = softmax_cross_entropy(outputs["next_logits"], batch["next"])
        losses = losses + pair_weight * pairs
    return losses
