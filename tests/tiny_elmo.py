"""A tiny ELMo with random weights, in the files that bilm-tf writes."""

import json

import h5py
import numpy as np


def write(folder, filters=((1, 3), (2, 5)), projection=4, units=6, scale=1.0, **lstm):
    """Options and random weights of one layer; the options, to be changed and written again."""
    random, number = np.random.default_rng(0), sum(n for _, n in filters)
    options = {
        "lstm": {"dim": units, "projection_dim": projection, "n_layers": 1, "cell_clip": 3} | lstm,
        "char_cnn": {
            "embedding": {"dim": 2},
            "filters": filters,
            "n_highway": 0,
            "n_characters": 261,
            "max_characters_per_token": 50,
            "activation": "relu",
        },
    }
    shapes = {"char_embed": (261, 2)}
    for i, (width, n) in enumerate(filters):
        shapes |= {f"CNN/W_cnn_{i}": (1, width, 2, n), f"CNN/b_cnn_{i}": (n,)}
    if projection != number:
        shapes |= {"CNN_proj/W_proj": (number, projection), "CNN_proj/b_proj": (projection,)}
    for direction in (0, 1):
        cell = f"RNN_{direction}/RNN/MultiRNNCell/Cell0/LSTMCell"
        shapes |= {f"{cell}/W_0": (2 * projection, 4 * units), f"{cell}/B": (4 * units,)}
        if projection < units:
            shapes[f"{cell}/W_P_0"] = (units, projection)
    with h5py.File(folder / "tiny_weights.hdf5", "w") as file:
        for name, shape in shapes.items():
            file[name] = random.normal(0, scale, shape).astype(np.float32)
    save(folder, options)
    return options


def save(folder, options):
    (folder / "tiny_options.json").write_text(json.dumps(options))
