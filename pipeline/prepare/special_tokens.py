"""The tokens that a task puts around texts, and into them, have to be in the vocabulary."""

from typing import Any

from configs.tasks import LanguageModel, MaskedLanguageModel, Span, Task
from pipeline.errors import JobError
from pipeline.text.special import ENDS, MASKS, STARTS


def check(task: Task, tokenizer: Any) -> None:
    """
    Raises:
        JobError: one is not.
    """
    needed = {}
    if isinstance(task, LanguageModel | MaskedLanguageModel | Span):
        needed = {STARTS: tokenizer.start_id, ENDS: tokenizer.end_id}
    if isinstance(task, MaskedLanguageModel):
        needed[MASKS] = tokenizer.mask_id
    if missing := [" or ".join(spellings) for spellings, found in needed.items() if found is None]:
        raise JobError(
            f"the vocabulary that text.tokenizer names has no token {' and no '.join(missing)},"
            f" which task.kind {task.kind} needs: add it, or let a vocabulary be learned"
        )
