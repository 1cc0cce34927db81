"""A trained language model writes on.

What picks words are keras-hub's samplers, and `NextWord` has what they ask of a model: a state and
the tokens that come next in, the log probabilities of the token after them and the new state out.
`pipeline.cached_reading.CachedReader` is the same of a model that keeps keys and values.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from configs import loading
from configs.loading import RecipeError
from configs.models import AwdLstm
from configs.tasks import LanguageModel
from configs.transformers import Gpt
from pipeline import artifacts, finding_runs, runs
from pipeline.cached_reading import CachedReader
from pipeline.text.special import PAD


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn from its probabilities.

    Of the probabilities to the power of 1 / `temperature`, normalized, only the `top_k` largest
    stay, and of these only the first, from the largest down, until they sum to `top_p`. Temperature
    0 takes the largest.
    Source of the last, the nucleus: Holtzman et al. 2020, https://arxiv.org/abs/1904.09751.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 1

    def sampler(self, vocabulary_size: int) -> keras_hub.samplers.Sampler:
        if self.temperature == 0:
            return keras_hub.samplers.GreedySampler()
        top_k = self.top_k and min(self.top_k, vocabulary_size)
        how: dict[str, Any] = {"temperature": self.temperature, "seed": self.seed}
        if self.top_p is not None:
            return keras_hub.samplers.TopPSampler(self.top_p, top_k, **how)
        if top_k is not None:
            return keras_hub.samplers.TopKSampler(top_k, **how)
        return keras_hub.samplers.RandomSampler(**how)


class NextWord:
    """A recurrent language model that reads forward, asked for what comes next.

    Args: model, of kind awd_lstm; never, ids that get no probability.
    """

    def __init__(self, model: keras.Model, never: set[int]) -> None:
        names = ("embeddings", "encoder", "softmax")
        self.words, self.encoder, self.softmax = (model.get_layer(name) for name in names)
        barred = np.zeros(self.softmax.vocabulary_size, np.float32)
        barred[list(never)] = -np.inf
        self.barred = tf.constant(barred)

    def start(self, rows: int | tf.Tensor) -> list[tf.Tensor]:
        """The state before any token."""
        return [tf.zeros([rows, width]) for width in self.encoder.state_widths]

    def read(self, ids: tf.Tensor, state: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The tokens that come next, (B, T) -> (B, V) log probabilities of the one after, state."""
        vectors, table = self.words(ids, training=False)
        hidden, state = self.encoder(vectors, state=state, training=False)
        table = table if self.softmax.tied else None
        found = self.softmax.log_probabilities(hidden[:, -1:], table)
        return found[:, 0] + self.barred, state


class Generator:
    """Compiled once.

    Call: (N,) ids of a beginning, one at least, and how many tokens to write -> their ids, up to
        `stop` if that is written.
    """

    def __init__(
        self,
        model: NextWord | CachedReader,
        sampler: keras_hub.samplers.Sampler,
        stop: int | None,
    ) -> None:
        self.model, self.sampler, self.stop = model, sampler, stop
        spec = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.int32)]
        self.write = tf.function(self._write, input_signature=spec)

    def __call__(self, ids: list[int], tokens: int) -> list[int]:
        given = tf.constant([[*ids, *[PAD] * tokens]], tf.int32)
        written = self.write(given, tf.constant(len(ids)))[0, len(ids) :].numpy().tolist()
        return written[: written.index(self.stop)] if self.stop in written else written

    def _write(self, ids: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        """Fill up (B, L) ids, of which `number` are given."""

        def following(ids: tf.Tensor, state: Any, index: tf.Tensor) -> tuple:
            scores, state = self.model.read(ids[:, index - 1 : index], state)
            return scores, (), state

        state: Any = self.model.start(tf.shape(ids)[0])
        # The sampler has the last token of the beginning read, and all that it writes.
        state = tf.cond(
            number > 1, lambda: self.model.read(ids[:, : number - 1], state)[1], lambda: state
        )
        given = tf.broadcast_to(tf.range(tf.shape(ids)[1]) < number, tf.shape(ids))
        stop = None if self.stop is None else [self.stop]
        return self.sampler(following, ids, state, number, given, stop)


def generate(
    run_dir: Path, prompt: str, tokens: int, sampling: Sampling, unknown: bool = False
) -> dict[str, Any]:
    """Write on from a prompt; where documents end, to the end of the document at most.

    Args: unknown, whether [UNK] may be written.

    Returns:
        {"text", the prompt with what was written; "tokens", how many were}.

    Raises:
        RecipeError: the run's model cannot.
        JobError: the run has not finished training, or its files are damaged.
    """
    run_dir = finding_runs.find(run_dir)
    artifacts.check(run_dir / runs.TRAINING)
    recipe = loading.load(run_dir / runs.TRAINING / "recipe.yaml")
    if not isinstance(recipe.model, AwdLstm | Gpt) or not isinstance(recipe.task, LanguageModel):
        raise RecipeError(
            f"{run_dir}: generate needs a run of model.kind awd_lstm or gpt with task.kind"
            " language_model, which predicts words from those before; got"
            f" {recipe.model.kind} with {recipe.task.kind}"
        )
    if recipe.backward:
        raise RecipeError(
            f"{run_dir}: this model reads texts from their end: train one without model.backward"
        )
    trained = runs.load(run_dir)
    tokenizer = trained.tokenizer
    start, end = tokenizer.start_id, tokenizer.end_id
    never = tokenizer.unwritten | (set() if unknown else {tokenizer.unknown_id})
    reader = CachedReader if isinstance(recipe.model, Gpt) else NextWord
    document = recipe.task.carry == "document"
    generator = Generator(
        reader(trained.model, never),
        sampling.sampler(tokenizer.vocabulary_size),
        stop=end if document else None,
    )
    # As `pipeline.streams` shows texts: one that runs on begins after the end of another.
    begun = [start if document else end, *tokenizer.all_ids([prompt]).values.numpy().tolist()]
    written = generator(begun, tokens)
    text = prompt.rstrip() + continued(tokenizer, begun[1:], written)
    return {"text": text, "tokens": len(written)}


def continued(tokenizer: Any, begun: list[int], written: list[int]) -> str:
    """What was written, as a text that goes on; a new line where a text ends and another begins."""
    lines: list[list[int]] = [[]]
    for token in written:
        if token == tokenizer.end_id:
            lines.append([])
        else:
            lines[-1].append(token)
    first, *others = lines
    whole, start = tokenizer.text_of([*begun, *first]), tokenizer.text_of(begun)
    return "\n".join([whole.removeprefix(start), *map(tokenizer.text_of, others)])
