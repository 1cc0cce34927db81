"""The recipe: one experiment, from raw files to a served model."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from configs.after_training import Evaluate, Export, Tracking
from configs.closed import Closed
from configs.data import Beam, Data, Text
from configs.models import (
    AwdLstm,
    Elmo,
    ElmoVectors,
    Embedding,
    Ensemble,
    Model,
    Recurrent,
    TextCNN,
)
from configs.tasks import LanguageModel, MaskedLanguageModel, Span, Tag, Task
from configs.training import Train
from configs.transformers import Bert, Gpt, Transformer

SHORTEST_EXAMPLE = 8  # tokens of a masked language model's
SHORTEST_SEQUENCE = 3


class Recipe(Closed):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    work: str = "work"  # folder for everything that textmill writes
    data: Data
    text: Text = Text()
    beam: Beam = Beam()
    task: Task
    model: Model
    # Start from trained weights: a run's folder (without its last -XXXXXXXX: the newest run of that
    # name), an export's, an MLflow model's address, or of a BERT a Hugging Face folder or a preset
    # of keras-hub. Static vectors and a frozen ELMo stay.
    init_from: str | None = None
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    export: Export = Export()
    tracking: Tracking = Tracking()

    @property
    def embedding(self) -> Embedding | None:
        """What a token's vector is made of, where the model lets the recipe say it."""
        return self.model.embedding if isinstance(self.model, TextCNN | Recurrent) else None

    @property
    def backward(self) -> bool:
        """Whether the model reads texts from their last word to their first, and no other way."""
        return isinstance(self.model, AwdLstm) and self.model.backward

    @property
    def sequences(self) -> bool:
        """Whether the model reads a text, or a pair as one, between [CLS] and [SEP]."""
        return isinstance(self.model, Transformer) and not isinstance(self.task, LanguageModel)

    @property
    def elmo(self) -> ElmoVectors | None:
        """The pretrained ELMo whose vectors the model reads, if it is to."""
        return self.embedding.elmo if self.embedding else None

    @model_validator(mode="after")
    def model_can_do_the_task(self) -> Self:
        task, model = self.task, self.model
        learns = {
            LanguageModel: isinstance(model, Elmo | AwdLstm | Gpt),
            MaskedLanguageModel: isinstance(model, Bert),
            Tag: isinstance(model, Recurrent | Bert),
            Span: isinstance(model, Recurrent | Bert),
        }.get(type(task), not isinstance(model, Elmo))
        if not learns:
            raise ValueError(
                f"a model of kind {model.kind!r} does not learn a task of kind {task.kind!r}:"
                " language_model goes with elmo, awd_lstm and gpt, masked_language_model with bert,"
                " tag and span with rnn, lstm, gru and bert, and elmo with language_model only"
            )
        if isinstance(model, AwdLstm) and getattr(task, "second", None):
            raise ValueError(
                "awd_lstm reads one text, and task.second names another: choose model.kind"
                " text_cnn, rnn, lstm, gru, bert or gpt"
            )
        return self

    @model_validator(mode="after")
    def windows_hold_question_and_context(self) -> Self:
        if not isinstance(self.task, Span):
            return self
        least = self.task.longest_question + 3 + self.task.longest_answer
        if self.text.max_length < least:
            raise ValueError(
                "text.max_length: a window holds the question, [CLS], twice [SEP] and the longest"
                f" answer at least, {least} tokens here; got {self.text.max_length}"
            )
        if self.embedding and (self.embedding.characters or self.embedding.elmo):
            raise ValueError(
                "a span model reads the ids of tokens alone: leave embedding.characters and"
                " embedding.elmo out"
            )
        return self

    @model_validator(mode="after")
    def texts_fit_into_the_model(self) -> Self:
        longest = self.text.max_length
        if isinstance(self.task, MaskedLanguageModel) and longest < SHORTEST_EXAMPLE:
            raise ValueError(
                f"text.max_length: an example holds [CLS], [SEP] and two texts, got {longest}: set"
                f" {SHORTEST_EXAMPLE} at least"
            )
        if self.sequences and longest < SHORTEST_SEQUENCE:
            raise ValueError(
                f"text.max_length: a sequence holds [CLS] and, of a pair, two [SEP], got {longest}:"
                f" set {SHORTEST_SEQUENCE} at least"
            )
        if isinstance(self.model, Bert) and longest > self.model.positions:
            raise ValueError(
                f"text.max_length {longest} is more than model.positions {self.model.positions}:"
                " change one of them"
            )
        if isinstance(self.model, Gpt):
            start = isinstance(self.task, LanguageModel)  # stands before a text
            if longest + start > self.model.context:
                raise ValueError(
                    f"text.max_length {longest}: model.context {self.model.context} leaves"
                    f" {self.model.context - start} tokens to a text: change one of them"
                )
        return self

    @model_validator(mode="after")
    def windows_of_a_gpt_are_its_context(self) -> Self:
        context = self.model.context if isinstance(self.model, Gpt) else None
        window, default = self.train.window, Train.model_fields["window"].default
        if context and (self.train.vary_window or window not in (default, context)):
            raise ValueError(
                "a gpt reads windows of model.context tokens: leave train.window and"
                " train.vary_window out"
            )
        stride = self.evaluate.stride
        if stride is not None and (context is None or stride > context):
            raise ValueError(
                f"evaluate.stride is of a gpt, and at most its model.context; got {stride} with a"
                f" model of kind {self.model.kind!r}"
            )
        return self

    @model_validator(mode="after")
    def an_ensemble_is_not_trained(self) -> Self:
        if isinstance(self.model, Ensemble) and self.init_from is not None:
            raise ValueError(
                "init_from: an ensemble has the weights of its members and is not trained: leave"
                " it out"
            )
        return self

    @model_validator(mode="after")
    def windows_are_of_language_models(self) -> Self:
        if self.train.vary_window and not isinstance(self.task, LanguageModel):
            raise ValueError(
                "train.vary_window draws the windows of a language model, and task.kind is"
                f" {self.task.kind!r}: leave it out"
            )
        return self

    @model_validator(mode="after")
    def rows_with_a_state_stay(self) -> Self:
        keeps_states = isinstance(self.task, LanguageModel) and not isinstance(self.model, Gpt)
        if self.train.batch_ramp and keeps_states:
            raise ValueError(
                f"train.batch_ramp: as a language model {self.model.kind} keeps the state of each"
                " row from step to step, so there are always as many rows: leave it out"
            )
        return self

    @model_validator(mode="after")
    def a_cache_goes_with_one_direction(self) -> Self:
        known = isinstance(self.model, AwdLstm) and isinstance(self.task, LanguageModel)
        if self.evaluate.cache is not None and not known:
            raise ValueError(
                "evaluate.cache compares the states of a language model that reads in one"
                f" direction, model.kind 'awd_lstm'; got {self.model.kind!r} with task.kind"
                f" {self.task.kind!r}: leave it out"
            )
        return self

    @model_validator(mode="after")
    def chunks_are_not_compiled(self) -> Self:
        in_chunks = isinstance(self.model, AwdLstm) and not isinstance(self.task, LanguageModel)
        if in_chunks and (self.train.xla or self.train.strategy.kind == "tpu"):
            raise ValueError(
                "awd_lstm reads a text for labels in as many chunks as it is long, which XLA and"
                " TPUs cannot compile: leave train.xla out and choose another train.strategy.kind"
            )
        return self

    @model_validator(mode="after")
    def compared_words_have_no_last_state(self) -> Self:
        model = self.model
        if (
            isinstance(model, Recurrent)
            and getattr(self.task, "second", None)
            and model.pairs.compare == "attention"
            and {"last", "concat"} & {model.pooling.kind, getattr(model.pooling, "query", None)}
        ):
            raise ValueError(
                "after each word has looked at the other text, no state is the last one of either"
                " direction: with pairs.compare 'attention' choose another pooling.kind than 'last'"
                " or the query 'learned'"
            )
        return self

    @model_validator(mode="after")
    def characters_are_of_words(self) -> Self:
        own, tokenizer = self.embedding, self.text.tokenizer.kind
        spells = isinstance(self.model, Elmo) or (own and (own.characters or own.elmo))
        if spells and tokenizer != "word":
            raise ValueError(
                "characters and elmo spell whole words, so text.tokenizer.kind must be 'word'; got"
                f" {tokenizer!r}"
            )
        return self
