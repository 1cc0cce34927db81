"""Ready ELMo models, as AllenNLP and bilm-tf publish them: options in JSON, weights in HDF5.

Read here, so that `components.characters.CharacterCNN` and `components.elmo.ElmoEncoder` can be
made with these arguments and weights.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import JobError

CHARACTERS = (262, 261)  # with and without the 0 that stands for no word
LONGEST = 50


@dataclass(frozen=True)
class Elmo:
    """Arguments of the two layers, and the arrays of their weights by path within the layer."""

    characters: dict[str, Any]
    encoder: dict[str, Any]
    character_weights: dict[str, np.ndarray] = field(default_factory=dict)
    encoder_weights: dict[str, np.ndarray] = field(default_factory=dict)


def read(path: Path) -> Elmo:
    """Read a model.

    Args:
        path: the weights, with the options beside them, or a folder that holds one of each.

    Raises:
        JobError: a file is missing, is not what it should be, or asks for what textmill lacks.
    """
    options_path, weights_path = files(path)
    characters, encoder = _arguments(_options(options_path), options_path)
    arrays = _arrays(weights_path)
    try:
        weights = _character_weights(arrays, characters), _encoder_weights(arrays, encoder)
    except KeyError as error:
        raise JobError(
            f"{weights_path} has no array {error.args[0]!r}, which {options_path} asks for: do"
            " they belong together?"
        ) from error
    except (ValueError, IndexError) as error:
        raise JobError(f"an array of {weights_path} is of another shape: {error}") from error
    return Elmo(characters, encoder, *weights)


def files(path: Path) -> tuple[Path, Path]:
    """The options and the weights of the model that `read` takes from there.

    Raises:
        JobError: there is not one of each.
    """
    folder = path if path.is_dir() else path.parent
    weights = sorted(folder.glob("*weights.hdf5")) if path.is_dir() else [path]
    options = sorted(folder.glob("*options.json"))
    if len(weights) == 1:
        # A folder of several models has options of the same name for each of the weights.
        named = weights[0].with_name(weights[0].name.replace("weights.hdf5", "options.json"))
        options = [named] if named in options else options
    if len(weights) == len(options) == 1 and weights[0].is_file():
        return options[0], weights[0]
    got = [file.name for file in [*weights, *options] if file.is_file()]
    raise JobError(
        f"{path} is no ELMo model: expected one file *weights.hdf5 and its *options.json, or the"
        f" path of such weights, got {', '.join(got) or 'neither'} in {folder}"
    )


def assign(layer: Any, weights: dict[str, np.ndarray]) -> None:
    """Put weights into a layer that is built.

    Raises:
        JobError: the layer has other weights, or of other shapes.
    """
    own = {variable.path.split(f"{layer.name}/", 1)[-1]: variable for variable in layer.weights}
    if own.keys() != weights.keys():
        differ = sorted(own.keys() ^ weights.keys())
        raise JobError(f"layer {layer.name!r} and the weights do not both have {differ}")
    for name, variable in own.items():
        if variable.shape != weights[name].shape:
            raise JobError(
                f"{layer.name}/{name} has shape {tuple(variable.shape)}, but the weights have"
                f" {weights[name].shape}"
            )
        variable.assign(weights[name])


def _options(path: Path) -> dict[str, Any]:
    try:
        options = json.loads(path.read_text(encoding="utf-8"))
        return {"char_cnn": options["char_cnn"], "lstm": options["lstm"]}
    except (ValueError, TypeError) as error:
        raise JobError(f"{path} is not a JSON object: {error}") from error
    except KeyError as error:
        raise JobError(
            f"{path} has no {error.args[0]!r}: textmill reads models of words by their characters"
        ) from error


def _arguments(options: dict[str, Any], path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments of `CharacterCNN` and of `ElmoEncoder`."""
    cnn, lstm = options["char_cnn"], options["lstm"]
    try:
        characters = {
            "filters": tuple((int(width), int(number)) for width, number in cnn["filters"]),
            "width": int(cnn["embedding"]["dim"]),
            "num_highway": int(cnn.get("n_highway") or 0),
            "projection": int(lstm["projection_dim"]),
            "activation": cnn["activation"],
        }
        known = {
            "max_characters_per_token": (LONGEST,),
            "n_characters": CHARACTERS,
            "activation": ("relu", "tanh"),
        }
        for name, accepted in known.items():
            if cnn[name] not in accepted:
                raise JobError(
                    f"{path}: char_cnn.{name} is {cnn[name]}, but textmill reads"
                    f" {' or '.join(map(str, accepted))}"
                )
        encoder = {
            "units": int(lstm["dim"]),
            "projection": int(lstm["projection_dim"]),
            "num_layers": int(lstm.get("n_layers", 1)),
            "residual": bool(lstm.get("use_skip_connections")),
            "cell_clip": lstm.get("cell_clip"),
            "projection_clip": lstm.get("proj_clip"),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise JobError(
            f"{path}: {type(error).__name__} {error}: are these ELMo's options?"
        ) from error
    # bilm-tf leaves a projection out that would not change the width.
    if characters["projection"] == sum(number for _, number in characters["filters"]):
        characters["projection"] = None
    if encoder["projection"] == encoder["units"]:
        encoder |= {"projection": None, "projection_clip": None}
    return characters, encoder


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Every array of an HDF5 file by its path."""
    import h5py

    arrays: dict[str, np.ndarray] = {}

    def keep(name: str, thing: Any) -> None:
        if isinstance(thing, h5py.Dataset):
            arrays[name] = np.asarray(thing, np.float32)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(keep)
    except OSError as error:
        raise JobError(f"{path} is no HDF5 file, or is cut short: {error}") from error
    return arrays


def _character_weights(
    arrays: dict[str, np.ndarray], characters: dict[str, Any]
) -> dict[str, np.ndarray]:
    vectors = arrays["char_embed"]
    weights = {"vectors": np.pad(vectors, [[1, 0], [0, 0]])}  # their 0 is our 1
    for i in range(len(characters["filters"])):
        weights[f"kernel_{i}"] = arrays[f"CNN/W_cnn_{i}"][0]
        weights[f"bias_{i}"] = arrays[f"CNN/b_cnn_{i}"]
    for i in range(characters["num_highway"]):
        theirs, ours = f"CNN_high_{i}", f"highway_{i}"
        # Their gate says how much is made anew, ours how much is carried: 1 - s(z) = s(-z).
        weights[f"{ours}/carry/kernel"] = -arrays[f"{theirs}/W_carry"]
        weights[f"{ours}/carry/bias"] = -arrays[f"{theirs}/b_carry"]
        weights[f"{ours}/transform/kernel"] = arrays[f"{theirs}/W_transform"]
        weights[f"{ours}/transform/bias"] = arrays[f"{theirs}/b_transform"]
    if characters["projection"] is not None:
        weights["project/kernel"] = arrays["CNN_proj/W_proj"]
        weights["project/bias"] = arrays["CNN_proj/b_proj"]
    return weights


def _encoder_weights(
    arrays: dict[str, np.ndarray], encoder: dict[str, Any]
) -> dict[str, np.ndarray]:
    weights = {}
    for direction, ours in enumerate(("forward", "backward")):
        for n in range(encoder["num_layers"]):
            cell = f"RNN_{direction}/RNN/MultiRNNCell/Cell{n}/LSTMCell"
            layer = f"{ours}_{n}"
            # One matrix for [x; h]; both are as wide as the projection.
            kernel, recurrent = np.split(gates(arrays[f"{cell}/W_0"]), 2)
            weights[f"{layer}/kernel"] = kernel
            weights[f"{layer}/recurrent_kernel"] = recurrent
            bias = gates(arrays[f"{cell}/B"])
            # Their cell adds 1 to the forget gate's sum at each step, ours has it in the bias.
            bias[encoder["units"] : 2 * encoder["units"]] += 1
            weights[f"{layer}/bias"] = bias
            if encoder["projection"] is not None:
                weights[f"{layer}/projection_kernel"] = arrays[f"{cell}/W_P_0"]
    return weights


def gates(theirs: np.ndarray) -> np.ndarray:
    """(..., 4 U) in the order of TensorFlow 1, i c f o, to that of Keras and PyTorch, i f c o."""
    i, c, f, o = np.split(theirs, 4, axis=-1)
    return np.concatenate([i, f, c, o], axis=-1)
