"""Tokenize JSONL files with Hugging Face `datasets` and `tokenizers`, as their guides show it.

.venv-peers/bin/python benchmarks/peers/hf_prepare.py FOLDER VOCABULARY OUTPUT
"""

import os
import sys

FOLDER, VOCABULARY, OUTPUT = sys.argv[1:]
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HOME": OUTPUT, "TOKENIZERS_PARALLELISM": "false"}

import datasets  # noqa: E402
from tokenizers import BertWordPieceTokenizer  # noqa: E402

datasets.disable_progress_bars()
tokenizer = BertWordPieceTokenizer(VOCABULARY, lowercase=True)
tokenizer.enable_truncation(256)


def tokenize(batch: dict) -> dict:
    encoded = tokenizer.encode_batch(batch["text"], add_special_tokens=False)
    return {"ids": [text.ids for text in encoded]}


corpus = datasets.load_dataset("json", data_files=f"{FOLDER}/*.jsonl", split="train", num_proc=2)
tokenized = corpus.map(tokenize, batched=True, batch_size=1000, num_proc=2)
print(len(tokenized))
