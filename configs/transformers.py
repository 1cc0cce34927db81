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


class Transformer(Closed):
    """What both families have. The default size is `mini`."""

    kind: str
    size: Size | None = None  # in place of the next 3
    layers: Annotated[int, Field(ge=1)] = 4
    width: Annotated[int, Field(ge=1)] = 256
    heads: Annotated[int, Field(ge=1)] = 4  # if only width is said, one for every 64 of it
    inner: Annotated[int, Field(ge=1)] | None = None  # of the feed-forward layers; 4 * width
    dropout: Rate = 0.1
    attention_dropout: Rate = 0.1
    head_dropout: Rate = 0.1  # of labels

    @model_validator(mode="before")
    @classmethod
    def a_size_says_the_rest(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        named = {**SIZES.get(str(given.get("size")), {}), **given}
        width = named.get("width")
        if "heads" not in named and isinstance(width, int):
            named["heads"] = max(1, width // 64)
        return named

    @model_validator(mode="after")
    def sizes_agree(self) -> Self:
        named = SIZES.get(self.size or "", {})
        if any(getattr(self, name) != number for name, number in named.items()):
            said = ", ".join(f"{name} {number}" for name, number in named.items())
            raise ValueError(f"size {self.size!r} is {said}: leave it out, or all of these")
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads cannot share a width of {self.width} evenly")
        return self


class Bert(Transformer):
    """Devlin et al. 2019, https://arxiv.org/abs/1810.04805.

    For a masked language model, and for labels. There it reads a text, or a pair as one sequence,
    between [CLS] and [SEP], in `text.max_length` tokens with these; `pooling` is of labels.
    """

    kind: Literal["bert"]
    positions: Annotated[int, Field(ge=1)] = 512  # the longest text, in tokens
    activation: Literal["gelu", "gelu_tanh", "relu"] = "gelu"
    epsilon: Annotated[float, Field(gt=0.0)] = 1e-12  # of the norms
    pooling: SequencePooling = FirstToken()


class Gpt(Transformer):
    """Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training".

    For a language model, which reads windows of `context` tokens, and for labels, in the sequences
    that a `Bert` reads; `auxiliary` is of labels.
    """

    kind: Literal["gpt"]
    context: Annotated[int, Field(ge=2)] = 512  # the most tokens that are read together
    # Norms after each part of a layer, or before it and at the end, as Radford et al. 2019.
    layout: Literal["gpt", "gpt2"] = "gpt"
    epsilon: Annotated[float, Field(gt=0.0)] = 1e-5  # of the norms
    tied: bool = True  # the softmax has the vectors of the tokens for its weights
    softmax: Literal["full", "adaptive", "sampled"] = "full"  # as of an AwdLstm, with its settings
    samples: Annotated[int, Field(ge=1)] = 2048
    cutoffs: tuple[Annotated[int, Field(ge=1)], ...] = (2_000, 10_000)
    auxiliary: Annotated[float, Field(ge=0.0)] = 0.5  # of the loss of the text's own tokens
