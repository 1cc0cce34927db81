"""What reads the words of an AWD-LSTM, the same in a language model and in a classifier."""

from components.awd_lstm import AwdLstm
from components.word_table import WordTable
from configs import models
from configs.recipe import Recipe


def words_and_encoder(
    recipe: Recipe, model: models.AwdLstm, size: int, window: int | None = None
) -> tuple[WordTable, AwdLstm]:
    """Args: size, of the vocabulary; window, of the encoder."""
    drop, policy = model.dropouts.scaled, recipe.train.precision
    words = WordTable(
        size, model.width, drop.words, seed=recipe.seed, dtype=policy, name="embeddings"
    )
    encoder = AwdLstm(
        model.units,
        model.width,
        model.layers,
        input_dropout=drop.input,
        hidden_dropout=drop.hidden,
        weight_dropout=drop.weights,
        window=window,
        seed=recipe.seed + 301,
        dtype=policy,
        name="encoder",
    )
    return words, encoder
