"""The tokens that stand in no text. Every learned vocabulary starts with them."""

from typing import Any

from pipeline.errors import JobError

PAD, UNKNOWN, START, END = 0, 1, 2, 3
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# As ready vocabularies spell the last three.
STARTS, ENDS, MASKS = ("[CLS]", "<s>"), ("[SEP]", "</s>"), ("[MASK]", "<mask>")


def edges(tokenizer: Any, use: str) -> tuple[int, int]:
    """The ids of [CLS] and [SEP], however a vocabulary spells them.

    Args: use, what they are there for, after a relative pronoun.

    Raises:
        JobError: the vocabulary lacks one.
    """
    start, end = tokenizer.start_id, tokenizer.end_id
    if start is None or end is None:
        raise JobError(
            f"the vocabulary has no {' or '.join(STARTS)} and {' or '.join(ENDS)}, {use}: set"
            " text.tokenizer to one that is learned here, or to a vocabulary that has them"
        )
    return start, end
