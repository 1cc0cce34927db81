"""The tokens that stand in no text. Every learned vocabulary starts with them."""

PAD, UNKNOWN, START, END = 0, 1, 2, 3
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# As ready vocabularies spell the last three.
STARTS, ENDS, MASKS = ("[CLS]", "<s>"), ("[SEP]", "</s>"), ("[MASK]", "<mask>")
