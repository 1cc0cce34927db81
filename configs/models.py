"""The model families, one class each; a family's equations and sources are in `components`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from configs.closed import Closed

Rate = Annotated[float, Field(ge=0.0, lt=1.0)]


class Embedding(Closed):
    """Word vectors. All but `random` start from the vectors in `path`.

    `static` keeps them, `nonstatic` trains them, `multichannel` has one copy of each.
    """

    kind: Literal["random", "static", "nonstatic", "multichannel"] = "random"
    width: Annotated[int, Field(ge=1)] = 300
    path: str | None = None  # GloVe / word2vec text or binary file, or .npz

    @model_validator(mode="after")
    def path_goes_with_kind(self) -> Self:
        if (self.kind == "random") != (self.path is None):
            raise ValueError(
                f"kind {self.kind!r} {'takes no' if self.kind == 'random' else 'needs a'} path;"
                f" got {self.path!r}"
            )
        return self


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


# The second family makes this a union with `Field(discriminator="kind")`, as in `configs.tasks`.
Model = TextCNN
