"""Models made of Transformer layers; their equations and sources are in `components`."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from configs.closed import Closed, Rate
from configs.poolings import FirstToken, SequencePooling

# Turc et al. 2019, https://arxiv.org/abs/1908.08962, table 1; base is BERT's and GPT's.
SIZES = {
    "tiny": {"layers": 2, "width": 128, "heads": 2},
    "mini": {"layers": 4, "width": 256, "heads": 4},
    "small": {"layers": 4, "width": 512, "heads": 8},
    "medium": {"layers": 8, "width": 512, "heads": 8},
    "base": {"layers": 12, "width": 768, "heads": 12},
}
Size = Literal["tiny", "mini", "small", "medium", "base"]


class Bert(Closed):
    """Devlin et al. 2019, https://arxiv.org/abs/1810.04805; the default size is `mini`.

    For a masked language model, and for labels. There it reads a text, or a pair as one sequence,
    between [CLS] and [SEP], in `text.max_length` tokens with these; `pooling` and `head_dropout`
    are of labels.
    """

    kind: Literal["bert"]
    size: Size | None = None  # in place of the next 3
    layers: Annotated[int, Field(ge=1)] = 4
    width: Annotated[int, Field(ge=1)] = 256
    heads: Annotated[int, Field(ge=1)] = 4  # if only width is said, one for every 64 of it
    inner: Annotated[int, Field(ge=1)] | None = None  # of the feed-forward layers; 4 * width
    positions: Annotated[int, Field(ge=1)] = 512  # the longest text, in tokens
    activation: Literal["gelu", "gelu_tanh", "relu"] = "gelu"
    dropout: Rate = 0.1
    attention_dropout: Rate = 0.1
    epsilon: Annotated[float, Field(gt=0.0)] = 1e-12  # of the norms
    pooling: SequencePooling = FirstToken()
    head_dropout: Rate = 0.1

    @model_validator(mode="before")
    @classmethod
    def a_size_says_the_rest(cls, given: Any) -> Any:
        return _sized(given)

    @model_validator(mode="after")
    def sizes_agree(self) -> Self:
        _check_sizes(self)
        return self


class Gpt(Closed):
    """Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training".

    For a language model, which reads windows of `context` tokens, and for labels, in the sequences
    that a `Bert` reads; `auxiliary` and `head_dropout` are of labels. The default size is `mini`.
    """

    kind: Literal["gpt"]
    size: Size | None = None  # in place of the next 3
    layers: Annotated[int, Field(ge=1)] = 4
    width: Annotated[int, Field(ge=1)] = 256
    heads: Annotated[int, Field(ge=1)] = 4  # if only width is said, one for every 64 of it
    inner: Annotated[int, Field(ge=1)] | None = None  # of the feed-forward layers; 4 * width
    context: Annotated[int, Field(ge=2)] = 512  # the most tokens that are read together
    # Norms after each part of a layer, or before it and at the end, as Radford et al. 2019.
    layout: Literal["gpt", "gpt2"] = "gpt"
    dropout: Rate = 0.1
    attention_dropout: Rate = 0.1
    epsilon: Annotated[float, Field(gt=0.0)] = 1e-5  # of the norms
    tied: bool = True  # the softmax has the vectors of the tokens for its weights
    softmax: Literal["full", "adaptive", "sampled"] = "full"  # as of an AwdLstm, with its settings
    samples: Annotated[int, Field(ge=1)] = 2048
    cutoffs: tuple[Annotated[int, Field(ge=1)], ...] = (2_000, 10_000)
    auxiliary: Annotated[float, Field(ge=0.0)] = 0.5  # of the loss of the text's own tokens
    head_dropout: Rate = 0.1

    @model_validator(mode="before")
    @classmethod
    def a_size_says_the_rest(cls, given: Any) -> Any:
        return _sized(given)

    @model_validator(mode="after")
    def sizes_agree(self) -> Self:
        _check_sizes(self)
        return self


def _sized(given: Any) -> Any:
    """What a recipe says of a Transformer, with what its `size` says."""
    if not isinstance(given, dict):
        return given
    named = {**SIZES.get(str(given.get("size")), {}), **given}
    width = named.get("width")
    if "heads" not in named and isinstance(width, int):
        named["heads"] = max(1, width // 64)
    return named


def _check_sizes(model: Bert | Gpt) -> None:
    named = SIZES.get(model.size or "", {})
    if any(getattr(model, name) != number for name, number in named.items()):
        said = ", ".join(f"{name} {number}" for name, number in named.items())
        raise ValueError(f"size {model.size!r} is {said}: leave it out, or all of these")
    if model.width % model.heads:
        raise ValueError(f"{model.heads} heads cannot share a width of {model.width} evenly")
