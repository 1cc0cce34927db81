"""What every layer promises, whatever it computes: a row for each layer, a test a promise."""

import inspect
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from components.adaptive_softmax import AdaptiveSoftmax
from components.attention import Attention
from components.attention_scores import KINDS, Scores
from components.awd_lstm import AwdLstm
from components.batch_norm import BatchNorm
from components.block_head import BlockHead
from components.characters import CharacterCNN
from components.distinct_tokens import DistinctTokens
from components.dropouts import LockedDropout
from components.elmo import ElmoEncoder
from components.embeddings import WordEmbeddings
from components.ensemble import MeanAnswer
from components.full_softmax import FullSoftmax
from components.gpt import PackedTexts
from components.hard_attention import HardAttention
from components.heads import LinearHead
from components.highway import Highway
from components.masked_lm_head import MaskedLMHead
from components.multi_head_attention import MultiHeadAttention
from components.next_sentence_head import NextSentenceHead
from components.ngrams import NGramFeatures
from components.pairs import CrossAttention, PairFeatures
from components.pooler import Pooler
from components.pooling import AttentionPool, Pool, SelfAttentivePool
from components.recurrent import Recurrent
from components.recurrent_stack import RecurrentStack
from components.sampled_softmax import SampledSoftmax
from components.scalar_mix import ScalarMix
from components.span_head import SpanHead
from components.tag_heads import CrfHead, SoftmaxTagHead
from components.token_embeddings import TokenEmbeddings
from components.transformer import Transformer
from components.transformer_layer import TransformerLayer
from components.turned import Turned
from components.word_table import WordTable

LENGTHS = (1, 2, 4, 9)  # of the texts in a batch; shorter and longer than every window
B, T, D = len(LENGTHS), max(LENGTHS), 6
REAL = np.arange(T) < np.array(LENGTHS)[:, None]
RANDOM = np.random.default_rng(0)
IDS = (RANDOM.integers(1, 20, (B, T)) * REAL).astype(np.int32)
VECTORS = RANDOM.normal(size=(B, T, D)).astype(np.float32)  # garbage where there is no token
FEATURES = RANDOM.normal(size=(B, D)).astype(np.float32)
QUERY = RANDOM.normal(size=(B, 2, D)).astype(np.float32)
CHARACTERS = (RANDOM.integers(1, 262, (B, T, 50)) * REAL[..., None]).astype(np.int32)
LAYERS = RANDOM.normal(size=(B, T, 3, D)).astype(np.float32)
PLACES = np.array([[0, 0], [1, 0], [2, 3], [8, 4]], np.int32)
TABLE = RANDOM.normal(size=(20, D)).astype(np.float32)


@dataclass(frozen=True)
class Row:
    """`arguments` holds every argument of the layer, each unlike its default in one of its rows."""

    layer: type[keras.layers.Layer]
    arguments: dict[str, Any]
    inputs: np.ndarray
    shape: tuple[int, ...]
    masked: bool = False  # takes a mask, and must not notice padding
    float32: set[str] = field(default_factory=set)  # sublayers that stay so by design
    name: str | None = None  # of the argument that takes `inputs`, the first if None
    others: dict[str, np.ndarray] = field(default_factory=dict)  # inputs besides
    answers_float32: bool = False  # though it computes in the precision of its policy

    def make(self, **kwargs):
        return self.layer(**self.arguments, **kwargs)

    def answers(self, layer, inputs=None, mask=REAL, **others):
        """All that the layer returns, one after the other."""
        inputs = self.inputs if inputs is None else inputs
        first, named = ([], {self.name: inputs}) if self.name else ([inputs], {})
        masks = {"mask": mask} if self.masked else {}
        answer = layer(*first, **named, **masks, **self.others | others)
        return keras.tree.flatten(list(answer.values()) if isinstance(answer, dict) else answer)

    def call(self, *args, **kwargs):
        return self.answers(*args, **kwargs)[0]

    def model(self):
        """The layer between Keras inputs of unknown batch and time."""
        shape = (None, *self.inputs.shape[2:]) if self.inputs is not FEATURES else (D,)
        inputs = {"x": keras.Input(shape, dtype=self.inputs.dtype.name, name="x")}
        values = {"x": self.inputs} | self.others
        others = {name: keras.Input(x.shape[1:], name=name) for name, x in self.others.items()}
        if self.masked:
            inputs["mask"], values["mask"] = keras.Input((None,), dtype="bool", name="mask"), REAL
        outputs = self.call(self.make(), inputs["x"], inputs.get("mask"), **others)
        return keras.Model(inputs | others, outputs), values


def ngrams(**arguments):
    settings = {"widths": (2, 3), "filters": 32, "padding": "valid", "stride": 2, "k": 2, "seed": 5}
    settings |= arguments
    outputs = 2 * 32 * (settings["k"] if settings["pooling"] == "kmax" else 1)
    return Row(NGramFeatures, settings, VECTORS, (B, outputs), masked=True)


WORDS = {"vocabulary_size": 20, "width": 7, "kind": "multichannel", "seed": 5}
HEAD = {"num_outputs": 4, "dropout": 0.3, "max_norm": 2.0, "seed": 5}
BLOCKS = {"num_outputs": 4, "units": 7, "dropouts": (0.3, 0.2), "seed": 5}
TAG_HEAD = {"num_outputs": 4, "dropout": 0.3, "seed": 5}
# No forget bias, because first weights that are not 0 must follow the seed.
LSTM = {
    "units": 8,
    "cell": "lstm",
    "activation": "tanh",
    "backward": True,
    "projection": 5,
    "cell_clip": 3.0,
    "projection_clip": 2.0,
    "forget_bias": 0.0,
    "recurrent_dropout": 0.3,
    "seed": 5,
}
ALONE = {"weight_dropout": 0.3, "initial_bound": 0.5}  # not of a stack's layers
SIMPLE = {"projection": None, "cell_clip": None, "projection_clip": None}
GRU = LSTM | SIMPLE | {"cell": "gru"}
RNN = LSTM | SIMPLE | {"cell": "rnn", "activation": "relu"}
STACK = {"num_layers": 2, "dropout": 0.3, "residual": True}
UPWARD = LSTM | STACK | {"bidirectional": False}
BOTH_WAYS = GRU | STACK | {"bidirectional": True, "backward": False}
SCORE = {"units": 7, "max_length": 4, "seed": 5}
TO_QUERY = {"name": "keys", "others": {"query": QUERY}}


def attends(layer, score):
    return Row(layer, {"score": score, **SCORE}, VECTORS, (B, 2, D), masked=True, **TO_QUERY)


def pools(score, query, hard):
    arguments = {"score": score, **SCORE, "query": query, "hard": hard}
    return Row(AttentionPool, arguments, VECTORS, (B, D), masked=True)


def scores(kind):
    shape = (B, 2, T)
    return Row(Scores, {"kind": kind, **SCORE}, VECTORS, shape, answers_float32=True, **TO_QUERY)


CNN = {
    "filters": ((1, 8), (3, 8)),
    "width": 6,
    "num_highway": 1,
    "projection": 5,
    "activation": "tanh",
    "seed": 5,
}
ELMO = {
    "units": 8,
    "projection": D,
    "num_layers": 3,
    "residual": False,
    "cell_clip": 2.0,
    "projection_clip": 1.0,
    "dropout": 0.3,
    "seed": 5,
}
FULL = {"vocabulary_size": 20, "seed": 5}
SAMPLED = FULL | {"num_sampled": 4}
ADAPTIVE = FULL | {"cutoffs": (8, 13), "factor": 2}


def predicts(name, layer, arguments):
    """A row of a softmax with a kernel of its own, and one with a table that it is given."""
    return {
        prefix + name: Row(
            layer,
            arguments | {"tied": bool(prefix)},
            VECTORS,
            (B, T),
            others={"targets": IDS} | table,
            answers_float32=True,
        )
        for prefix, table in (("", {}), ("tied_", {"table": TABLE}))
    }


HOPS = {"num_hops": 3, "units": 7, "penalty": 0.5, "seed": 5}
ALIGN = {"score": "concat", "units": 7, "projection": 5, "seed": 5}
AWD = {
    "units": 8,
    "width": 5,
    "num_layers": 2,
    "input_dropout": 0.3,
    "hidden_dropout": 0.2,
    "weight_dropout": 0.4,
    "window": None,
    "seed": 5,
}
HEADS = {"num_heads": 3, "dropout": 0.3, "seed": 5}
LAYER = {
    "num_heads": 3,
    "inner": 7,
    "activation": "relu",
    "norm": "pre",
    "dropout": 0.3,
    "attention_dropout": 0.2,
    "epsilon": 1e-6,
    "seed": 5,
}
TOKENS = {
    "vocabulary_size": 20,
    "width": D,
    "max_length": T,
    "num_types": 2,
    "norm": False,
    "dropout": 0.3,
    "epsilon": 1e-6,
    "seed": 5,
}
TO_MEMORY = {"others": {"memory": VECTORS[::-1]}}


def transforms(**arguments):
    to_memory = TO_MEMORY if arguments["cross"] else {}
    arguments = LAYER | {"num_layers": 2, "norm": "post"} | arguments
    return Row(Transformer, arguments, VECTORS, (B, T, D), masked=True, **to_memory)


WORD_TABLE = {"vocabulary_size": 20, "width": 7, "dropout": 0.3, "seed": 5}
ROWS = {
    "words": Row(WordEmbeddings, WORDS, IDS, (B, T, 7)),
    "kmax_ngrams": ngrams(pooling="kmax"),
    "average_ngrams": ngrams(pooling="average"),
    "same_ngrams": ngrams(pooling="max", padding="same", stride=1),
    "table": Row(WordTable, WORD_TABLE, IDS, (B, T, 7)),
    "locked": Row(LockedDropout, {"rate": 0.3, "seed": 5}, VECTORS, (B, T, D)),
    "lstm": Row(Recurrent, LSTM | ALONE, VECTORS, (B, T, 5), masked=True),
    "gru": Row(Recurrent, GRU | ALONE, VECTORS, (B, T, 8), masked=True),
    "rnn": Row(Recurrent, RNN | ALONE, VECTORS, (B, T, 8), masked=True),
    "lstm_stack": Row(RecurrentStack, UPWARD, VECTORS, (B, T, 5), masked=True),
    "rnn_stack": Row(
        RecurrentStack, RNN | STACK | {"bidirectional": False}, VECTORS, (B, T, 8), masked=True
    ),
    "gru_stack": Row(RecurrentStack, BOTH_WAYS, VECTORS, (B, T, 16), masked=True),
    **{f"{kind}_scores": scores(kind) for kind in KINDS},
    **{f"{kind}_attention": attends(Attention, kind) for kind in KINDS},
    **{f"hard_{kind}_attention": attends(HardAttention, kind) for kind in KINDS},
    **{
        f"{kind}_pool": Row(Pool, {"kind": kind}, VECTORS, (B, D), masked=True)
        for kind in ("last", "ends", "max", "mean")
    },
    **{
        f"{kind}_pool": Row(Pool, {"kind": kind}, VECTORS, (B, 3 * D), masked=True)
        for kind in ("concat", "concat_ends")
    },
    "pooler": Row(Pooler, {"seed": 5}, VECTORS, (B, D)),
    "masked": Row(
        MaskedLMHead,
        {"vocabulary_size": 20, "activation": "relu", "epsilon": 1e-6, "seed": 5},
        VECTORS,
        (B, 2),
        others={"places": PLACES, "targets": IDS[:, :2], "table": TABLE},
        answers_float32=True,
    ),
    "next": Row(NextSentenceHead, {"seed": 5}, FEATURES, (B, 2), answers_float32=True),
    "learned_attention_pool": pools("concat", "learned", False),
    "location_attention_pool": pools("location", "ends", False),
    "hard_attention_pool": pools("general", "last", True),
    "hops": Row(SelfAttentivePool, HOPS, VECTORS, (B, 3 * D), masked=True),
    "pair": Row(PairFeatures, {}, FEATURES, (B, 4 * D), others={"v": FEATURES[::-1]}),
    "cross": Row(
        CrossAttention, ALIGN, VECTORS, (B, T, 5), masked=True, others={"second": VECTORS[::-1]}
    ),
    "self_attention": Row(MultiHeadAttention, HEADS | {"cross": False}, VECTORS, (B, T, D)),
    "memory_attention": Row(
        MultiHeadAttention, HEADS | {"cross": True}, VECTORS, (B, T, D), **TO_MEMORY
    ),
    "transformer_layer": Row(TransformerLayer, LAYER | {"cross": False}, VECTORS, (B, T, D)),
    "memory_transformer_layer": Row(
        TransformerLayer, LAYER | {"cross": True}, VECTORS, (B, T, D), **TO_MEMORY
    ),
    "transformer": transforms(causal=False, cross=False),
    "causal_transformer": transforms(causal=True, cross=False, norm="pre"),
    "memory_transformer": transforms(causal=True, cross=True),
    "tokens": Row(TokenEmbeddings, TOKENS | {"positions": "learned"}, IDS, (B, T, D)),
    "normed_tokens": Row(
        TokenEmbeddings, TOKENS | {"positions": "sinusoidal", "norm": True}, IDS, (B, T, D)
    ),
    "characters": Row(CharacterCNN, CNN | {"distinct": False}, CHARACTERS, (B, T, 5)),
    "distinct_characters": Row(CharacterCNN, CNN | {"distinct": True}, CHARACTERS, (B, T, 5)),
    "highway": Row(Highway, {"seed": 5}, VECTORS, (B, T, D)),
    "elmo": Row(ElmoEncoder, ELMO, VECTORS, (B, T, 4, 2 * D), masked=True),
    "awd_lstm": Row(AwdLstm, AWD, VECTORS, (B, T, 5), masked=True),
    "chunked_awd_lstm": Row(AwdLstm, AWD | {"window": 4}, VECTORS, (B, 3 * 5), masked=True),
    "mix": Row(
        ScalarMix, {"layer_norm": True, "dropout": 0.3, "seed": 5}, LAYERS, (B, T, D), masked=True
    ),
    **predicts("softmax", FullSoftmax, FULL),
    **predicts("sampled_softmax", SampledSoftmax, SAMPLED),
    **predicts("adaptive_softmax", AdaptiveSoftmax, ADAPTIVE | {"gather": False}),
    **predicts("gathered_softmax", AdaptiveSoftmax, ADAPTIVE | {"gather": True}),
    "head": Row(LinearHead, HEAD, FEATURES, (B, 4), float32={"project"}),
    "norm": Row(BatchNorm, {"momentum": 0.8, "epsilon": 1e-3}, FEATURES, (B, D)),
    "block_head": Row(BlockHead, BLOCKS, FEATURES, (B, 4), float32={"project"}),
    "mean": Row(MeanAnswer, {"task": "multilabel"}, VECTORS, (B, D), answers_float32=True),
    "tag_head": Row(SoftmaxTagHead, TAG_HEAD, VECTORS, (B, T, 4), float32={"project"}),
    "crf_head": Row(CrfHead, TAG_HEAD, VECTORS, (B, T, 4), float32={"project"}),
    "span_head": Row(SpanHead, {"seed": 5}, VECTORS, (B, T), float32={"scores"}),
}
MASKED = {name: row for name, row in ROWS.items() if row.masked}
# Layers without arguments, weights and a float output have tests of their own instead.
OTHERS = {DistinctTokens, PackedTexts, Turned}


@pytest.fixture(params=ROWS.values(), ids=ROWS.keys())
def row(request):
    return request.param


def test_there_is_a_row_for_every_layer():
    registered = keras.saving.get_custom_objects()
    ours = {
        thing
        for name, thing in registered.items()
        if name.startswith("textmill>") and issubclass(thing, keras.layers.Layer)
    }
    assert ours == {row.layer for row in ROWS.values()} | OTHERS


def test_shapes(row):
    assert row.call(row.make()).shape == row.shape
    model, _ = row.model()
    assert model.output_shape[0] is None
    assert model.output_shape[-1] in ((None, T) if row.shape[-1] == T else (row.shape[-1],))


def test_every_argument_is_in_the_config(row):
    parameters = inspect.signature(row.layer).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.name not in ("args", "kwargs")}
    assert defaults.keys() == row.arguments.keys()
    config = row.make().get_config()
    assert {name: config[name] for name in defaults} == row.arguments
    rows = [other for other in ROWS.values() if other.layer is row.layer]
    for name, default in defaults.items():
        assert any(other.arguments[name] != default for other in rows), f"no row sets {name}"


def test_a_copy_from_the_config_gives_the_same_output(row):
    layer = row.make(name="original")
    expected = row.call(layer)
    copy = row.layer.from_config(layer.get_config())
    row.call(copy)
    copy.set_weights(layer.get_weights())
    assert copy.name == "original"
    np.testing.assert_array_equal(row.call(copy), expected)


def test_a_saved_model_gives_the_same_output(row, tmp_path):
    model, values = row.model()
    for weight in model.weights:
        weight.assign(weight + 0.1)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(values), model(values))


def test_first_weights_follow_the_seed(row):
    def weights(seed):
        seeded = {"seed": seed} if "seed" in row.arguments else {}
        layer = row.layer(**row.arguments | seeded)
        row.call(layer)
        return layer.get_weights()

    for same, again, other in zip(weights(1), weights(1), weights(2), strict=True):
        np.testing.assert_array_equal(same, again)
        given = np.isin(same, (0, 1)).all()  # as biases are, and scales
        assert given or np.abs(same - other).max() > 0


def test_mixed_precision_reaches_every_sublayer(row):
    layer = row.make(dtype="mixed_bfloat16")
    output = row.call(layer)
    exact_by_design = row.float32 or row.answers_float32
    assert output.dtype.name == ("float32" if exact_by_design else "bfloat16")
    assert all(weight.dtype == "float32" for weight in layer.weights)
    kept = {sub.name for sub in layer._flatten_layers() if sub.compute_dtype != "bfloat16"}
    assert kept == row.float32
    exact = np.asarray(row.call(row.make()))
    close = 0.02 * np.abs(exact).max()
    np.testing.assert_allclose(np.asarray(ops.cast(output, "float32")), exact, atol=close)


@pytest.mark.filterwarnings("ignore:You are using a softmax")  # over the only token of a text
@pytest.mark.parametrize("row", MASKED.values(), ids=MASKED.keys())
def test_a_text_alone_is_the_text_in_a_padded_batch(row):
    layer = row.make()
    batch = np.asarray(row.call(layer))
    for n, length in enumerate(LENGTHS):
        others = {name: x[n : n + 1] for name, x in row.others.items()}
        text, mask = row.inputs[n : n + 1, :length], REAL[n : n + 1, :length]
        alone = row.call(layer, text, mask, **others)
        without_mask = row.call(layer, text, None, **others)
        padded = batch[n]
        if row.shape[:2] == (B, T):
            padded, padding = padded[:length], padded[length:]
            np.testing.assert_array_equal(padding, 0)
        np.testing.assert_allclose(alone[0], padded, atol=1e-6)
        np.testing.assert_allclose(without_mask[0], padded, atol=1e-6)
        assert np.abs(padded).max() > 0.1


def test_gradients_reach_every_trainable_weight(row):
    layer = row.make()
    row.call(layer)
    with tf.GradientTape() as tape:
        answers = [tf.convert_to_tensor(answer) for answer in row.answers(layer)]
        numbers = [answer for answer in answers if answer.dtype.is_floating]
        loss = sum(tf.reduce_sum(tf.square(answer - 1)) for answer in numbers)
    gradients = tape.gradient(loss, [v.value for v in layer.trainable_variables])
    for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
        assert gradient is not None, f"{variable.path} gets no gradient"
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, f"{variable.path} gets zeros"
