"""The tokens that stand in no text. Every learned vocabulary starts with them."""

PAD, UNKNOWN = 0, 1
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
