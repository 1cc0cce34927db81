"""The model families, one class each; a family's equations and sources are in `components`."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from configs.closed import Closed, Rate
from configs.poolings import Pool, Pooling
from configs.transformers import Bert, Gpt


class Characters(Closed):
    """A vector of each word from the bytes that spell it: convolutions, highways, a projection.

    The defaults are those of Ma and Hovy 2016, https://arxiv.org/abs/1603.01354, section 4.2.
    """

    width: Annotated[int, Field(ge=1)] = 30  # of a character's vector
    filters: Annotated[tuple[tuple[int, int], ...], Field(min_length=1)] = ((3, 30),)  # (window, n)
    activation: Literal["relu", "tanh"] = "tanh"
    highways: Annotated[int, Field(ge=0)] = 0
    projection: Annotated[int, Field(ge=1)] | None = None


class ElmoVectors(Closed):
    """Contextual vectors of a pretrained ELMo, the layers mixed by learned weights.

    `frozen` computes them in the graph and trains the mix only, `cached` reads them from disk,
    where a Beam job put them once, and `fine_tuned` trains everything.
    Source: Peters et al. 2018, https://arxiv.org/abs/1802.05365, section 3.2.
    """

    path: str  # a trained run of a model of kind elmo, or a folder with AllenNLP's files
    mode: Literal["frozen", "cached", "fine_tuned"] = "frozen"
    dropout: Rate = 0.5  # on the mixed vectors
    layer_dropout: Rate = 0.0  # of whole layers in the mix
    layer_norm: bool = False


class Embedding(Closed):
    """What a token's vector is made of: a word vector, and beside it what else is asked for.

    All kinds but `random` start from the vectors in `path`: `static` keeps them, `nonstatic` trains
    them, `multichannel` has one copy of each.
    """

    kind: Literal["random", "static", "nonstatic", "multichannel"] = "random"
    width: Annotated[int, Field(ge=1)] = 300
    path: str | None = None  # GloVe / word2vec text or binary file, or .npz
    characters: Characters | None = None
    # A string is the path.
    elmo: Annotated[
        ElmoVectors | None,
        BeforeValidator(lambda value: {"path": value} if isinstance(value, str) else value),
    ] = None

    @model_validator(mode="after")
    def path_goes_with_kind(self) -> Self:
        if (self.kind == "random") != (self.path is None):
            raise ValueError(
                f"kind {self.kind!r} {'takes no' if self.kind == 'random' else 'needs a'} path;"
                f" got {self.path!r}"
            )
        return self


class Pairs(Closed):
    """How a model that reads two texts compares them.

    `features` compares one vector of each; `attention` first lets each word look at the other text.
    """

    compare: Literal["features", "attention"] = "features"
    width: Annotated[int, Field(ge=1)] = 128  # of a word after it looked at the other text


class TextCNN(Closed):
    """Kim 2014, https://arxiv.org/abs/1408.5882; the defaults are its section 3.1."""

    kind: Literal["text_cnn"]
    embedding: Embedding = Embedding()
    widths: Annotated[tuple[int, ...], Field(min_length=1)] = (3, 4, 5)
    filters: Annotated[int, Field(ge=1)] = 100
    padding: Literal["valid", "same"] = "same"
    stride: Annotated[int, Field(ge=1)] = 1
    pooling: Literal["max", "average", "kmax"] = "max"
    k: Annotated[int, Field(ge=1)] = 1  # how many maxima `kmax` keeps, in text order
    dropout: Rate = 0.5
    max_norm: Annotated[float, Field(gt=0.0)] | None = 3.0  # L2 norm of the head's columns
    pairs: Pairs = Pairs()


class Recurrent(Closed):
    """A recurrent network over the words, pooled for a text, or word by word for tags.

    `dropout` is on each layer's input and on what the head reads, one mask for all steps of a text
    (Gal and Ghahramani 2016, https://arxiv.org/abs/1512.05287); so is `recurrent_dropout` on the
    state.
    """

    kind: Literal["rnn", "lstm", "gru"]
    embedding: Embedding = Embedding()
    units: Annotated[int, Field(ge=1)] = 256
    layers: Annotated[int, Field(ge=1)] = 1
    bidirectional: bool = True
    residual: bool = False
    activation: Literal["tanh", "relu"] = "tanh"  # of an rnn
    projection: Annotated[int, Field(ge=1)] | None = None  # of an lstm's state
    cell_clip: Annotated[float, Field(gt=0.0)] | None = None  # of an lstm
    forget_bias: float = 1.0  # of an lstm, at the start
    dropout: Rate = 0.5
    recurrent_dropout: Rate = 0.0
    pooling: Pooling = Pool()
    pairs: Pairs = Pairs()

    @model_validator(mode="after")
    def options_go_with_kind(self) -> Self:
        for name, kind in (("activation", "rnn"), ("projection", "lstm"), ("cell_clip", "lstm")):
            value = getattr(self, name)
            if self.kind != kind and value != type(self).model_fields[name].default:
                raise ValueError(
                    f"{name} belongs to kind {kind!r}, not {self.kind!r}; leave it out"
                )
        return self


class Elmo(Closed):
    """A language model in each direction over one character encoder and under one softmax.

    Peters et al. 2018, https://arxiv.org/abs/1802.05365, section 3.1; the defaults are small, the
    published sizes are in the recipes.
    """

    kind: Literal["elmo"]
    characters: Characters = Characters(
        width=16,
        filters=((1, 32), (2, 32), (3, 64), (4, 128)),
        activation="relu",
        highways=2,
        projection=128,
    )
    units: Annotated[int, Field(ge=1)] = 512
    layers: Annotated[int, Field(ge=1)] = 2
    clip: Annotated[float, Field(gt=0.0)] | None = 3.0  # of cells and projections
    dropout: Rate = 0.1
    softmax: Literal["full", "sampled"] = "sampled"
    samples: Annotated[int, Field(ge=1)] = 2048  # candidates a step in a sampled softmax


class AwdDropouts(Closed):
    """Where an AWD-LSTM drops, in the order that a token meets them.

    The defaults are those of Merity et al. 2017, section 4, for the Penn Treebank.
    """

    words: Rate = 0.1  # of the vocabulary, at all places of a step
    input: Rate = 0.4  # of a token's vector
    weights: Rate = 0.5  # of the recurrent kernels
    hidden: Rate = 0.3  # between the layers
    output: Rate = 0.4  # of the last layer
    scale: Annotated[float, Field(ge=0.0)] = 1.0  # multiplies all of them

    @property
    def scaled(self) -> Self:
        """All rates times `scale`."""
        rates = self.model_dump(exclude={"scale"})
        return self.model_copy(update={name: rate * self.scale for name, rate in rates.items()})

    @model_validator(mode="after")
    def scaled_rates_leave_something(self) -> Self:
        highest = max(self.scaled.model_dump(exclude={"scale"}).items(), key=lambda item: item[1])
        if highest[1] >= 1:
            raise ValueError(
                f"scale {self.scale} makes {highest[0]} a rate of {highest[1]:g}; rates must stay"
                " below 1"
            )
        return self


class ClassifierHead(Closed):
    """Two blocks of batch normalization and dropout, Howard and Ruder 2018, section 3.3."""

    width: Annotated[int, Field(ge=1)] = 50
    dropouts: tuple[Rate, Rate] = (0.4, 0.1)


class AwdLstm(Closed):
    """Merity et al. 2017, https://arxiv.org/abs/1708.02182, whose sizes are the defaults.

    For a language model; for labels it is ULMFiT's classifier (Howard and Ruder 2018,
    https://arxiv.org/abs/1801.06146): concatenated pooling over the whole text and `head`, and
    what is said here of the softmax and of `ar` and `tar` is without use there.
    """

    kind: Literal["awd_lstm"]
    width: Annotated[int, Field(ge=1)] = 400  # of a token's vector and of the last layer's state
    units: Annotated[int, Field(ge=1)] = 1150  # of the other layers
    layers: Annotated[int, Field(ge=1)] = 3
    backward: bool = False  # read texts from their last word to their first
    dropouts: AwdDropouts = AwdDropouts()
    ar: Annotated[float, Field(ge=0.0)] = 2.0  # penalty of large outputs
    tar: Annotated[float, Field(ge=0.0)] = 1.0  # penalty of outputs that change from word to word
    tied: bool = True  # the softmax has the vectors of the tokens for its weights
    softmax: Literal["full", "adaptive", "sampled"] = "full"
    samples: Annotated[int, Field(ge=1)] = 2048  # candidates a step in a sampled softmax
    # First ids of the rarer clusters of an adaptive softmax.
    cutoffs: tuple[Annotated[int, Field(ge=1)], ...] = (2_000, 10_000)
    head: ClassifierHead = ClassifierHead()


class Ensemble(Closed):
    """The mean of the probabilities that trained runs give, each of them as it is."""

    kind: Literal["ensemble"]
    members: Annotated[tuple[str, ...], Field(min_length=2)]  # runs on the same prepared data


Model = Annotated[
    TextCNN | Recurrent | Elmo | AwdLstm | Bert | Gpt | Ensemble, Field(discriminator="kind")
]
