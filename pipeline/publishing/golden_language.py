"""Golden requests of language models: what evaluation says of each text as a document alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from configs.tasks import LanguageModel
from pipeline.data import Sequences, Split
from pipeline.perplexity import document_losses
from pipeline.publishing.golden import Example
from pipeline.publishing.language_scorers import from_no_state, log_probabilities
from pipeline.publishing.language_signatures import last_tokens, shown
from pipeline.streams import stream, window
from pipeline.text.characters import SENTENCE_END, SENTENCE_START
from pipeline.text.model_inputs import ModelInputs


def language_answers(
    examples: Sequence[Example],
    inputs: ModelInputs,
    model: Any,
    task: LanguageModel,
    backward: bool,
) -> list[dict[str, Any]]:
    """One golden request to `serving_default` for each text."""
    splits = [document(text, inputs) for (text,) in examples]
    read = document_losses(model, task, splits[0], backward=backward)
    requests = []
    for split in splits:
        losses, words = read(split)
        loss = float(losses[0] / words[0])
        outputs = {"loss": loss, "perplexity": float(np.exp(loss)), "words": int(words[0])}
        requests.append({"text": split.texts[0], "outputs": outputs})
    return requests


def document(text: str, inputs: ModelInputs) -> Split:
    """A split that holds a text as its one document, in so far as a model reads it."""
    read = {name: x.numpy()[0] for name, x in inputs.of_texts(tf.constant([text])).items()}
    bounds = inputs.tokenizer.start_id, inputs.tokenizer.end_id
    ids = np.array([bounds[0], *read["ids"], bounds[1]], np.int32)
    offsets = np.array([0, len(ids)])
    sequences = {"ids": Sequences(ids, offsets)}
    if "characters" in read:
        spelled = [[0] * len(SENTENCE_START), SENTENCE_START, *read["characters"], SENTENCE_END]
        places = np.arange(1, len(ids) + 1, dtype=np.int32)
        sequences["characters"] = Sequences(places, offsets, np.array(spelled, np.int32))
    return Split(sequences, None, [text], {}, np.ones(1, np.float32))


def next_answers(
    examples: Sequence[Example], tokenizer: Any, model: Any, task: LanguageModel, top_k: int
) -> list[dict[str, Any]]:
    """One golden request to `next` for each text, read step by step and by itself."""
    possible = np.array(shown(tokenizer))
    requests = []
    for (text,) in examples:
        ids = last_tokens(tokenizer, tf.constant([text])).values.numpy()
        framed = np.array([tokenizer.start_id, *ids, tokenizer.end_id], np.int32)
        inputs = {"ids": Sequences(framed, np.array([0, len(framed)]))}
        split = Split(inputs, None, [text], {}, np.ones(1, np.float32))
        row = stream(split, [0], task, False)
        read = {name: tf.constant(x) for name, x in window(split, [row], 0, len(row)).items()}
        hidden = model(from_no_state(model, read), training=False)["hidden"]
        found = log_probabilities(model, hidden[:, -1:])[0, 0].numpy().astype(np.float64)
        chances = np.where(possible, np.exp(found), 0.0)
        best = np.argsort(-chances, kind="stable")[: min(top_k, possible.sum())]
        outputs = {
            "tokens": [tokenizer.vocabulary[token] for token in best],
            "scores": chances[best].tolist(),
        }
        requests.append({"text": text, "signature": "next", "outputs": outputs})
    return requests
