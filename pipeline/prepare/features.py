"""Records of each task -> token ids and the other features of their examples.

All have `text`, as it came, and `column/NAME`; in shards their `pipeline.prepare.origins`, too.
Besides,

    classify, multilabel, regress   ids, label; of a pair also second_ids and second_text
    tag                             ids; words, as they were given, and label, each of a word; and
                                    starts where words are not single tokens: the place of each
                                    word's first token in ids, counted from 1
    span                            ids of the question, second_ids of the context; begins, ends,
                                    where each token of the context stands in it; label, the first
                                    and the last token of the first answer, if there is one;
                                    answers, all of them; id; second_text
    language_model                  ids of the whole text between [CLS] and [SEP]
"""

from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from configs.recipe import Recipe
from pipeline.prepare.checks import Checked
from pipeline.prepare.examples import Feature, floats, integers, string_lists, strings
from pipeline.prepare.right_answers import covered
from pipeline.prepare.statistics import Counts
from pipeline.text.given_words import cut
from pipeline.text.tokenizers import Tokenizer

Labels = Sequence[Any]  # lists of label ids, or numbers


class Made(NamedTuple):
    """What is made of a batch: its features, its labels after the cut, and counts.

    `counts` are of the records' texts and, of pairs, of their second texts.
    """

    features: list[Feature]
    labels: Labels
    counts: list[Counts]


def maker(recipe: Recipe, tokenizer: Tokenizer) -> Callable[[list[Checked], Labels], Made]:
    """The function from records, one at least, and the ids of their labels to what is made."""
    task, columns = recipe.task, recipe.data.columns
    kinds = {"tag": of_words, "language_model": of_documents, "span": of_questions}
    tokens_of = kinds.get(task.kind, of_texts)

    def make(records: list[Checked], labels: Labels) -> Made:
        features, labels, counts = tokens_of(records, labels, tokenizer)
        texts = zip(*(record.texts for record in records), strict=True)
        features += [
            strings(name, some) for name, some in zip(("text", "second_text"), texts, strict=False)
        ]
        features += [
            strings(f"column/{name}", [record.columns[i] for record in records])
            for i, name in enumerate(columns)
        ]
        return Made(features, labels, counts)

    return make


def of_texts(records: list[Checked], labels: Labels, tokenizer: Tokenizer) -> Made:
    features, counts = [], []
    texts = zip(*(record.texts for record in records), strict=True)
    for name, some in zip(("ids", "second_ids"), texts, strict=False):
        ids = tokenizer.all_ids(tf.constant(some, tf.string))
        tokens, lengths = ids.flat_values.numpy(), ids.row_lengths().numpy()
        most = tokenizer.settings.max_length
        # A token's place in its text, (tokens,), decides whether it is kept.
        places = np.arange(len(tokens)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        tokens, kept = tokens[places < most], np.minimum(lengths, most)
        features.append(integers(name, tokens, kept))
        counts.append(Counts(lengths, kept, unknown(tokens, kept, tokenizer)))
    if isinstance(labels[0], float):
        return Made([*features, floats("label", labels)], labels, counts)
    return Made([*features, integers("label", *_flat(labels))], labels, counts)


def of_words(records: list[Checked], labels: Labels, tokenizer: Tokenizer) -> Made:
    words = [record.words for record in records]
    given = tf.RaggedTensor.from_row_lengths(
        tf.constant(list(chain.from_iterable(words)), tf.string), [len(row) for row in words]
    )
    pieces = tokenizer.all_ids_of_words(given)
    ids, starts = cut(pieces, tokenizer.settings.max_length)
    tokens, kept = ids.values.numpy(), ids.row_lengths().numpy()
    num_words = starts.row_lengths().numpy()
    words = [row[:number] for row, number in zip(words, num_words, strict=True)]
    labels = [row[:number] for row, number in zip(labels, num_words, strict=True)]
    features = [integers("ids", tokens, kept), string_lists("words", words)]
    features.append(integers("label", *_flat(labels)))
    if tokenizer.settings.tokenizer.kind != "word":
        features.insert(1, integers("starts", starts.values.numpy(), num_words))
    lengths = pieces.merge_dims(1, 2).row_lengths().numpy()
    return Made(features, labels, [Counts(lengths, kept, unknown(tokens, kept, tokenizer))])


def of_questions(records: list[Checked], labels: Labels, tokenizer: Tokenizer) -> Made:
    questions, contexts = zip(*(record.texts for record in records), strict=True)
    ids = tokenizer.all_ids(tf.constant(questions, tf.string))
    # One context has several questions, mostly one after the other.
    different, which = tf.unique(tf.constant(contexts, tf.string))
    second_ids, begins, ends = (tf.gather(part, which) for part in tokenizer.places(different))
    features, counts = [], []
    named = {"ids": ids, "second_ids": second_ids, "begins": begins, "ends": ends}
    for name, some in named.items():
        values, lengths = some.values.numpy(), some.row_lengths().numpy()
        features.append(integers(name, values, lengths))
        if name in ("ids", "second_ids"):
            counts.append(Counts(lengths, lengths, unknown(values, lengths, tokenizer)))
    answers = [record.answers for record in records]
    edges = begins.values.numpy(), ends.values.numpy()
    tokens = [
        covered(own[0].start, own[0].end, *(edge[a:b] for edge in edges)) if own else []
        for own, (a, b) in zip(answers, pairwise(begins.row_splits.numpy()), strict=True)
    ]
    features.append(integers("label", *_flat(tokens)))
    features.append(string_lists("answers", [[a.text.encode() for a in own] for own in answers]))
    return Made([*features, strings("id", [r.id for r in records])], labels, counts)


def of_documents(records: list[Checked], labels: Labels, tokenizer: Tokenizer) -> Made:
    """The counts are without [CLS] and [SEP]."""
    ids = tokenizer.all_ids(tf.constant([record.texts[0] for record in records], tf.string))
    tokens, lengths = ids.values.numpy(), ids.row_lengths().numpy()
    ends = np.cumsum(lengths)
    edges = np.stack([ends - lengths, ends], axis=1).ravel()
    bounds = np.tile([tokenizer.start_id, tokenizer.end_id], len(records))
    wrapped = np.insert(tokens, edges, bounds)
    counts = Counts(lengths, lengths, unknown(tokens, lengths, tokenizer))
    return Made([integers("ids", wrapped, lengths + 2)], labels, [counts])


def unknown(tokens: np.ndarray, lengths: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """(B,) how many tokens of each text are unknown."""
    so_far = np.concatenate([[0], np.cumsum(tokens == tokenizer.unknown_id)])
    ends = np.cumsum(lengths)
    return so_far[ends] - so_far[ends - lengths]


def _flat(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of all rows end to end, and how many are each row's."""
    return np.fromiter(chain.from_iterable(rows), np.int64), np.array([len(row) for row in rows])
