"""The recipe: one experiment, from raw files to a served model."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from configs.closed import Closed
from configs.data import Beam, Data, Text
from configs.models import Elmo, ElmoVectors, Model, Recurrent, TextCNN
from configs.tasks import LanguageModel, Tag, Task
from configs.training import Train


class Evaluate(Closed):
    resamples: Annotated[int, Field(ge=100)] = 1000  # of the bootstrap behind each interval
    slices: tuple[str, ...] = ()  # columns of data.columns to report on separately
    baselines: bool = True
    mistakes: Annotated[int, Field(ge=0)] = 20


class Export(Closed):
    top_k: Annotated[int, Field(ge=1)] = 5
    golden: Annotated[int, Field(ge=1)] = 64  # texts whose answers go with the model


class Tracking(Closed):
    """MLflow. `uri` if set, else MLFLOW_TRACKING_URI, else `mlflow.db` in the work folder."""

    uri: str | None = None
    experiment: str | None = None  # the recipe's name if not said
    register_as: str | None = None  # name in the model registry; the recipe's name if not said
    alias: str = "champion"


class Recipe(Closed):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    work: str = "work"  # folder for everything that textmill writes
    data: Data
    text: Text = Text()
    beam: Beam = Beam()
    task: Task
    model: Model
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    export: Export = Export()
    tracking: Tracking = Tracking()

    @property
    def elmo(self) -> ElmoVectors | None:
        """The pretrained ELMo whose vectors the model reads, if it is to."""
        return None if isinstance(self.model, Elmo) else self.model.embedding.elmo

    @model_validator(mode="after")
    def model_can_do_the_task(self) -> Self:
        task, model = self.task, self.model
        if isinstance(task, LanguageModel) != isinstance(model, Elmo):
            raise ValueError(
                f"a model of kind {model.kind!r} does not learn a task of kind {task.kind!r}:"
                " language_model goes with elmo, and elmo with nothing else"
            )
        if isinstance(task, Tag) and isinstance(model, TextCNN):
            raise ValueError(
                "text_cnn has one answer for a whole text, and task.kind 'tag' wants one for each"
                " word: choose model.kind rnn, lstm or gru"
            )
        return self

    @model_validator(mode="after")
    def compared_words_have_no_last_state(self) -> Self:
        model = self.model
        if (
            isinstance(model, Recurrent)
            and getattr(self.task, "second", None)
            and model.pairs.compare == "attention"
            and "last" in (model.pooling.kind, getattr(model.pooling, "query", None))
        ):
            raise ValueError(
                "after each word has looked at the other text, no state is the last one of either"
                " direction: with pairs.compare 'attention' choose another pooling.kind than 'last'"
                " or the query 'learned'"
            )
        return self

    @model_validator(mode="after")
    def characters_are_of_words(self) -> Self:
        model, tokenizer = self.model, self.text.tokenizer.kind
        spells = isinstance(model, Elmo) or model.embedding.characters or model.embedding.elmo
        if spells and tokenizer != "word":
            raise ValueError(
                "characters and elmo spell whole words, so text.tokenizer.kind must be 'word'; got"
                f" {tokenizer!r}"
            )
        return self
