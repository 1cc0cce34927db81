"""The tokens that stand in no text. Every learned vocabulary starts with them."""

PAD, UNKNOWN, START, END = 0, 1, 2, 3
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
