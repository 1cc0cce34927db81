"""The words of an earlier vocabulary, for a tokenizer that learns none of its own."""

from pathlib import Path

from configs.data import SPELLING, SentencePieceTokenizer, Text, Tokenizer, WordPieceTokenizer
from configs.loading import RecipeError
from pipeline import artifacts, finding_runs, keras_hub_presets
from pipeline.huggingface import spelling, vocabulary

# In a tokenizer's folder; the last in the place of the second where it is SentencePiece's.
SETTINGS, VOCABULARY, MODEL = "settings.json", "vocabulary.txt", "sentencepiece.model"


def named(tokenizer: Tokenizer) -> str | None:
    """The file that `vocabulary` or SentencePiece's `model` names, itself or by the folder it is
    in; None if it names none.

    Raises:
        JobError: there is no such run.
    """
    path = getattr(tokenizer, "vocabulary", None) or getattr(tokenizer, "model", None)
    files = isinstance(tokenizer, WordPieceTokenizer | SentencePieceTokenizer)
    if path is None or (files and not _is_folder(path)):
        return path
    return str(find(path))


def find(path: str) -> Path:
    """The file of words in a run, an export, prepared data, or in the tokenizer's folder of these;
    in a Hugging Face folder or a preset of keras-hub.

    Raises:
        JobError: there is no such run, or its words have changed since.
    """
    for folder in (Path(path), Path(path, "tokenizer")):
        if (folder / SETTINGS).is_file():
            return _words(folder)
    if (file := Path(path, keras_hub_presets.VOCABULARY)).is_file():
        return file
    if (ready := vocabulary.find(Path(path))) is not None:
        return ready
    return _words(finding_runs.prepared(finding_runs.find(path)) / "tokenizer")


def fitting(text: Text) -> Path | None:
    """The file that the tokenizer names, see `named`, or None if it names none on this machine.

    Raises:
        JobError: there is no such run.
        RecipeError: its words are spelled in another way.
    """
    path = named(text.tokenizer)
    if path is None or not Path(path).is_file():
        return None
    theirs, ours = _spelled(Path(path)), _spelling(text)
    if differ := [key for key in theirs if ours[key] != theirs[key]]:
        values = ", ".join(f"{key} is {ours[key]!r}, there {theirs[key]!r}" for key in differ)
        raise RecipeError(
            f"text.tokenizer.{'model' if Path(path).name == MODEL else 'vocabulary'}: the words in"
            f" {path} are spelled in another way: {values}"
        )
    return Path(path)


def read(file: Path) -> list[str]:
    return vocabulary.read(file)


def _words(folder: Path) -> Path:
    if (folder.parent / artifacts.MANIFEST).is_file():  # a tokenizer alone has none
        artifacts.check(folder.parent, f"{folder.name}/")
    return folder / (MODEL if (folder / MODEL).is_file() else VOCABULARY)


def _is_folder(path: str) -> bool:
    return Path(path).is_dir() or finding_runs.found(path) is not None


def _spelled(file: Path) -> dict[str, object]:
    """What `_spelling` is for a file of words, as far as what lies beside it says it."""
    if (file.parent / SETTINGS).is_file():
        return _spelling(Text.model_validate_json((file.parent / SETTINGS).read_bytes()))
    if file.as_posix().endswith(keras_hub_presets.VOCABULARY):
        said = keras_hub_presets.spelling(file.parents[2])
    else:
        said = spelling.read(file.parent)
    if said is None:
        return {}
    return {"text.tokenizer.kind": "wordpiece", **{f"text.{key}": v for key, v in said.items()}}


def _spelling(text: Text) -> dict[str, object]:
    """The settings that decide how a word is spelled."""
    return {
        "text.tokenizer.kind": text.tokenizer.kind,
        "text.tokenizer.split": getattr(text.tokenizer, "split", None),
        **{f"text.{name}": getattr(text, name) for name in SPELLING},
    }
