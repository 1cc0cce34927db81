"""A tagger's outputs as tags: the best ones that the task's scheme allows."""

from collections.abc import Callable
from typing import Any

from components.tag_heads import decode
from configs.tasks import Tag
from pipeline.text import schemes

Decode = Callable[[dict[str, Any], Any], tuple[Any, Any]]


def decoder(task: Tag, labels: list[str]) -> Decode:
    """(outputs, (B, T) mask of words) -> (B, T) int32 ids of tags, (B, T) their probabilities.

    Spans begin and end as the scheme says, whatever the head, so that every answer can be read.
    """
    allowed = None if task.scheme == "plain" else schemes.allowed(labels, task.scheme)
    return lambda outputs, mask: decode(outputs, mask, allowed)
