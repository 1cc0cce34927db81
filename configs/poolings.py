"""How a model makes one vector of a text's states, one class each."""

from typing import Annotated, Literal

from pydantic import Field

from configs.closed import Closed, default_kind


class Pool(Closed):
    """One vector of a text: its last state, the largest or the mean value of each feature.

    `concat` is all three side by side.
    """

    kind: Literal["last", "max", "mean", "concat"] = "max"


class Attention(Closed):
    """A weighted mean of a text's states, or with `hard` one of them, drawn by the weights.

    The query is learned, the same for every text, or the encoder's `last` state. Sources are named
    in `components.pooling`.
    """

    kind: Literal["attention"]
    score: Literal["dot", "scaled_dot", "general", "additive", "concat", "location"] = "additive"
    query: Literal["learned", "last"] = "learned"
    width: Annotated[int, Field(ge=1)] = 128  # inside additive and concat scores
    hard: bool = False


class SelfAttentive(Closed):
    """Several weighted means side by side; `penalty` keeps them from looking at the same words."""

    kind: Literal["self_attentive"]
    hops: Annotated[int, Field(ge=1)] = 4
    width: Annotated[int, Field(ge=1)] = 128
    penalty: Annotated[float, Field(ge=0.0)] = 0.0


class FirstToken(Closed):
    """BERT's: tanh of a linear layer of [CLS], which was pretrained where the weights were."""

    kind: Literal["cls"] = "cls"


Pooling = Annotated[
    Pool | Attention | SelfAttentive, Field(discriminator="kind"), default_kind("max")
]
SequencePooling = Annotated[
    FirstToken | Pool | Attention | SelfAttentive, Field(discriminator="kind"), default_kind("cls")
]
