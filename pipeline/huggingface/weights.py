"""BERT's weights under Hugging Face's names, and under the paths that they have in our models.

There a kernel is (out, in), and query, key and value have one each; here it is (in, out), and the
three stand side by side in one.
"""

import re
from collections.abc import Mapping

import numpy as np

from pipeline.errors import JobError

# Ours, and theirs: one or several, which follow each other in the last axis of ours.
Names = dict[str, tuple[str, ...]]

_EMBEDDINGS = {
    "table": "word_embeddings.weight",
    "positions": "position_embeddings.weight",
    "types": "token_type_embeddings.weight",
    "norm/gamma": "LayerNorm.weight",
    "norm/beta": "LayerNorm.bias",
}
_LAYER = {
    "attention/output_kernel": "attention.output.dense.weight",
    "attention/output_bias": "attention.output.dense.bias",
    "attention_norm/gamma": "attention.output.LayerNorm.weight",
    "attention_norm/beta": "attention.output.LayerNorm.bias",
    "inner/kernel": "intermediate.dense.weight",
    "inner/bias": "intermediate.dense.bias",
    "outer/kernel": "output.dense.weight",
    "outer/bias": "output.dense.bias",
    "feed_forward_norm/gamma": "output.LayerNorm.weight",
    "feed_forward_norm/beta": "output.LayerNorm.bias",
}
_POOLER = {"pooler/kernel": "pooler.dense.weight", "pooler/bias": "pooler.dense.bias"}
# Above BERT itself: a file has all of one of these, or nothing of it.
_MASKED = {
    "mlm/transform/kernel": "cls.predictions.transform.dense.weight",
    "mlm/transform/bias": "cls.predictions.transform.dense.bias",
    "mlm/norm/gamma": "cls.predictions.transform.LayerNorm.weight",
    "mlm/norm/beta": "cls.predictions.transform.LayerNorm.bias",
    "mlm/bias": "cls.predictions.bias",
}
_NEXT = {"nsp/kernel": "cls.seq_relationship.weight", "nsp/bias": "cls.seq_relationship.bias"}
_CLASSES = {"head/project/kernel": "classifier.weight", "head/project/bias": "classifier.bias"}
_TAGS = {f"head/scores/{own[5:]}": name for own, name in _CLASSES.items()}
_SPANS = {"head/scores/kernel": "qa_outputs.weight", "head/scores/bias": "qa_outputs.bias"}
TABLE, TIED = "embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"
_LAYER_OF = re.compile(r"encoder\.layer\.\d+\.")
# Of what is BERT itself. A file of BertModel alone has no prefix, and is read with it as well.
PREFIX, _BODY = "bert.", ("embeddings/", "encoder/", "pooler/")


def names(num_layers: int) -> Names:
    """Those that every BERT has."""
    found: Names = {f"embeddings/{o}": (f"embeddings.{t}",) for o, t in _EMBEDDINGS.items()}
    for n in range(num_layers):
        ours, theirs = f"encoder/layer_{n}", f"encoder.layer.{n}"
        for ending, kind in (("kernel", "weight"), ("bias", "bias")):
            found[f"{ours}/attention/qkv_{ending}"] = tuple(
                f"{theirs}.attention.self.{name}.{kind}" for name in ("query", "key", "value")
            )
        found |= {f"{ours}/{own}": (f"{theirs}.{name}",) for own, name in _LAYER.items()}
    return found


def parts(task: str) -> list[dict[str, str]]:
    """What may stand above BERT's layers. Args: task, its kind."""
    return [_POOLER, _MASKED, _NEXT, {"tag": _TAGS, "span": _SPANS}.get(task, _CLASSES)]


def read(
    theirs: Mapping[str, np.ndarray], num_layers: int, task: str, where: str
) -> dict[str, np.ndarray]:
    """Our weights by path, from those of a file; what no model here has stays there.

    Args: theirs, with or without the prefix `bert.`, norms as weight and bias or as gamma and beta;
        where, which file it is, for errors.

    Raises:
        JobError: a weight is missing, of whole numbers, or fits no other.
    """
    known = {_plain(name): np.asarray(value) for name, value in theirs.items()}
    _check_layers(known, num_layers, where)
    wanted = names(num_layers)
    for part in parts(task):
        if part is _MASKED and not _tied(known):
            continue  # ours has the table of tokens as its last kernel, this one another
        there = [name for name in part.values() if name in known]
        wanted |= {own: (name,) for own, name in part.items()} if there else {}
    missing = [name for several in wanted.values() for name in several if name not in known]
    if missing:
        raise JobError(
            f"{where} lacks {len(missing)} weights of a BERT of {num_layers} layers:"
            f" {', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}; it has"
            f" {', '.join(sorted(theirs)[:3])}, ...: is its config.json of another model?"
        )
    try:
        return {own: _ours(own, [known[name] for name in each]) for own, each in wanted.items()}
    except ValueError as error:
        raise JobError(f"{where} has weights that textmill cannot read: {error}") from error


def write(weights: Mapping[str, np.ndarray], num_layers: int, task: str) -> dict[str, np.ndarray]:
    """Weights under their names, from those of a model of ours.

    Raises:
        JobError: one is missing, or the model has others that BERT has no name for.
    """
    wanted = names(num_layers)
    for part in parts(task):
        wanted |= {own: (name,) for own, name in part.items() if own in weights}
    if wanted.keys() != weights.keys():
        raise JobError(
            "no BERT of Hugging Face has just these weights: it differs in"
            f" {', '.join(sorted(wanted.keys() ^ weights.keys())[:6])}"
        )
    return {
        (PREFIX if own.startswith(_BODY) else "") + name: value
        for own, each in wanted.items()
        for name, value in zip(each, _theirs(own, weights[own], len(each)), strict=True)
    }


def _check_layers(known: Mapping[str, np.ndarray], num_layers: int, where: str) -> None:
    """
    Raises:
        JobError: there are fewer, so that it is no use to ask for the names of each.
    """
    there = {found[0] for name in known if (found := _LAYER_OF.match(name))}
    if num_layers > len(there):
        raise JobError(
            f"{where} has weights of {len(there)} layers of a BERT, but config.json says"
            f" num_hidden_layers {num_layers}; it has {', '.join(sorted(known)[:3])}, ...: is its"
            " config.json of another model?"
        )


def _tied(known: Mapping[str, np.ndarray]) -> bool:
    return TIED not in known or (TABLE in known and np.array_equal(known[TIED], known[TABLE]))


def _plain(name: str) -> str:
    name = name.removeprefix(PREFIX)
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )


def _ours(path: str, parts: list[np.ndarray]) -> np.ndarray:
    if whole := [part.dtype for part in parts if part.dtype.kind in "iub"]:
        raise ValueError(f"those of {path} are of {whole[0]}, not floats")
    turned = [part.T for part in parts] if path.endswith("kernel") else parts
    return np.concatenate(turned, axis=-1).astype(np.float32)


def _theirs(path: str, value: np.ndarray, number: int) -> list[np.ndarray]:
    split = np.split(np.asarray(value, np.float32), number, axis=-1)
    return [np.ascontiguousarray(part.T if path.endswith("kernel") else part) for part in split]
