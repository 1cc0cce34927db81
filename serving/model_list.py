"""Which models there are to serve: a folder or a models.config, read again and again."""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from pipeline.errors import JobError

if TYPE_CHECKING:
    from serving.versions import Models

Read = Callable[[], Sequence[ModelConfig]]


def models_at(path: Path) -> list[ModelConfig]:
    """What to serve of a folder of models, of one model, or of one of its versions.

    Raises:
        JobError: the folder is none of these.
    """
    path = path.resolve()
    if _is_export(path):
        if not re.fullmatch("[0-9]{1,18}", path.name):
            raise JobError(f"{path}: a version's folder is named with a number, got {path.name}")
        model = ModelConfig(name=path.parent.name, base_path=str(path.parent))
        model.model_version_policy.specific.versions.append(int(path.name))
        return [model]
    folders = [path, *sorted(path.glob("*/"))]
    models = [f for f in folders if any(_is_export(v) for v in f.glob("[0-9]*"))]
    if not models:
        raise JobError(
            f"{path} holds no model: expected MODEL/VERSION/saved_model.pb under it, where VERSION"
            " is a number; `textmill export` writes that"
        )
    models = models[:1] if models[0] == path else models
    return [ModelConfig(name=folder.name, base_path=str(folder)) for folder in models]


class Folder:
    """A folder of models, each as long as its own folder is there, be it empty for a moment.

    Args: found, what `models_at` said of it.
    """

    def __init__(self, path: Path, found: Sequence[ModelConfig]):
        self.path, self.models = path, {model.name: model for model in found}

    def __call__(self) -> list[ModelConfig]:
        there = {n: model for n, model in self.models.items() if Path(model.base_path).is_dir()}
        self.models = there | {model.name: model for model in models_at(self.path)}
        return list(self.models.values())


async def follow(models: "Models", read: Read, seconds: float) -> None:
    """Serve what `read` says, which is asked again and again; ends when it is cancelled.

    Only what changes there is changed here, for HandleReloadConfigRequest changes the models, too.
    """
    before, said = dict(models.configs), ""
    while True:
        await asyncio.sleep(seconds)
        try:
            now = {model.name: model for model in await asyncio.to_thread(read)}
        except Exception as error:  # nothing that is wrong now may end the following for good
            if str(error) != said:
                said = str(error)
                logging.error("the models stay as they are: %s", said)
            continue
        changed = {name: model for name, model in now.items() if before.get(name) != model}
        kept = {n: model for n, model in models.configs.items() if n in now or n not in before}
        models.configs = kept | changed
        before, said = now, ""


def _is_export(folder: Path) -> bool:
    return (folder / "saved_model.pb").is_file()
