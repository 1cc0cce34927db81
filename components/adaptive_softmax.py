"""What a prediction costs where rare tokens are found in two steps: their cluster, then they."""

from functools import partial
from itertools import pairwise

import keras
from keras import ops

from components.full_softmax import all_scores, cross_entropy, token_vectors


@keras.saving.register_keras_serializable("textmill")
class AdaptiveSoftmax(keras.layers.Layer):
    """-log of the target's probability, with less work for rarer tokens.

    Ids come in the order of frequency. Those below the first cutoff c_1 are in the head, beside an
    entry for each cluster of the others; cluster i holds the ids from c_i to c_(i+1) and reads the
    hidden vector through a projection P_i to D / factor^i features:

        p(w) = softmax_head(w)                                        for w < c_1,
        p(w) = softmax_head(cluster i) softmax_i(w), of scores (h P_i) . v_w, for w in cluster i.

    If tied, v_w is the table's row e_w in the head and e_w P_i in cluster i: the score is that of
    h and e_w in the subspace that the cluster has. All tokens keep vectors of full width to be read
    by, and nothing but projections, the clusters' own vectors and biases is the layer's. (Baevski
    and Auli 2019, https://arxiv.org/abs/1809.10853, section 3, instead make the rare tokens' input
    vectors as narrow as the softmax's, and share these.)

    Call: hidden (B, T, D), int targets (B, T) and, if tied, table (V, D) -> (B, T) float32.
    Args: vocabulary_size, V; cutoffs, the rising first ids of the clusters; factor; tied; gather,
        whether a cluster looks at the places alone whose target it holds, which is the point of it
        all on TensorFlow, but not under XLA, see `components.fast_adaptive_softmax`; seed, of the
        first weights.
    Source: Grave et al. 2017, https://arxiv.org/abs/1609.04309, section 4.
    """

    def __init__(
        self, vocabulary_size, cutoffs, factor=4, tied=False, gather=False, seed=0, **kwargs
    ):
        super().__init__(**kwargs)
        bounds = [0, *cutoffs, vocabulary_size]
        if not cutoffs or any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(
                f"cutoffs must be one at least and rise from 1 to vocabulary_size - 1 ="
                f" {vocabulary_size - 1}. Received: {tuple(cutoffs)}"
            )
        self.vocabulary_size, self.cutoffs, self.factor = vocabulary_size, tuple(cutoffs), factor
        self.tied, self.gather, self.seed = tied, gather, seed
        # First id and end of each cluster.
        self.clusters = tuple(pairwise(bounds[1:]))

    def build(self, hidden_shape, **_):
        width, number = hidden_shape[-1], len(self.clusters)
        widths = [max(1, width // self.factor ** (n + 1)) for n in range(number)]
        # Orthogonal: at first, scores are those of the full width within a subspace.
        self.projections = [
            self.add_weight(
                (width, narrow),
                keras.initializers.Orthogonal(seed=self.seed + n),
                name=f"projection_{n}",
            )
            for n, narrow in enumerate(widths, 1)
        ]
        self.cluster_kernel = self.add_weight(
            (number, width), normal(width, self.seed + number), name="cluster_kernel"
        )
        self.cluster_bias = self.add_weight((number,), "zeros", name="cluster_bias")
        self.bias = self.add_weight((self.vocabulary_size,), "zeros", name="bias")
        if self.tied:
            return
        seed = self.seed + number + 1
        self.kernel = self.add_weight((self.cutoffs[0], width), normal(width, seed), name="kernel")
        self.tail_kernels = [
            self.add_weight((end - start, narrow), normal(narrow, seed + n), name=f"kernel_{n}")
            for n, ((start, end), narrow) in enumerate(zip(self.clusters, widths, strict=True), 1)
        ]

    def call(self, hidden, targets, table=None):
        within = in_cluster
        if self.gather:
            from components.fast_adaptive_softmax import in_cluster as within
        targets, first = ops.cast(targets, "int32"), self.cutoffs[0]
        head, *tails = self.kernels(table)
        cluster = sum(ops.cast(targets >= cutoff, "int32") for cutoff in self.cutoffs)
        entries = ops.where(cluster == 0, targets, first + cluster - 1)
        losses = cross_entropy(entries, self.head_scores(hidden, head))
        for n, (start, _) in enumerate(self.clusters):
            scores = partial(self.tail_scores, n, kernel=tails[n])
            losses = losses + within(scores, hidden, targets - start, cluster == n + 1)
        return losses

    def log_probabilities(self, hidden, table=None):
        """(B, T, D), and (V, D) if tied -> (B, T, V) float32."""
        hidden, first = ops.cast(hidden, self.compute_dtype), self.cutoffs[0]
        head, *tails = self.kernels(table)
        head = ops.log_softmax(self.head_scores(hidden, head))
        tails = [
            head[..., first + n, None] + ops.log_softmax(self.tail_scores(n, hidden, kernel))
            for n, kernel in enumerate(tails)
        ]
        return ops.concatenate([head[..., :first], *tails], axis=-1)

    def kernels(self, table):
        """The vectors of the tokens in the head and in each cluster."""
        vectors = token_vectors(self, table)
        if not self.tied:
            return [vectors, *self.tail_kernels]
        # At once: each slice by itself would have a gradient as large as the table.
        whole = ops.reshape(vectors, (self.vocabulary_size, vectors.shape[-1]))
        return ops.split(whole, self.cutoffs, axis=0)

    def head_scores(self, hidden, kernel):
        """(..., D) -> (..., c_1 + clusters) float32."""
        tokens = all_scores(hidden, kernel, self.bias[: self.cutoffs[0]])
        clusters = all_scores(hidden, self.cluster_kernel, self.cluster_bias)
        return ops.concatenate([tokens, clusters], axis=-1)

    def tail_scores(self, n, hidden, kernel):
        """(..., D) -> (..., tokens of cluster n) float32."""
        (start, end), projection = self.clusters[n], ops.cast(self.projections[n], hidden.dtype)
        if self.tied:
            kernel = ops.matmul(ops.cast(kernel, hidden.dtype), projection)
        return all_scores(ops.matmul(hidden, projection), kernel, self.bias[start:end])

    @property
    def first_ids(self):
        """By the name of each weight with a row for each of some tokens, the id of the first."""
        tails = {f"kernel_{n}": start for n, (start, _) in enumerate(self.clusters, 1)}
        return {"bias": 0} | ({} if self.tied else {"kernel": 0, **tails})

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "cutoffs": self.cutoffs,
            "factor": self.factor,
            "tied": self.tied,
            "gather": self.gather,
            "seed": self.seed,
        }


def normal(width, seed):
    return keras.initializers.RandomNormal(0.0, width**-0.5, seed)


def in_cluster(scores, hidden, tokens, members):
    """What the tokens cost in their cluster, 0 where it does not hold the token.

    Args: scores, (..., D) -> (..., N); hidden (B, T, D); tokens (B, T), counted from the cluster's
        first; members (B, T) bool, whether they are in it.
    Returns: (B, T) float32.
    """
    losses = cross_entropy(ops.where(members, tokens, 0), scores(hidden))
    return ops.where(members, losses, 0.0)
