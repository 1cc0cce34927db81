"""Makes the folder tiny_bert beside this file: run once, with transformers 5.23.0, torch 2.13.0.

Weights are random, and all of them, so that none can be mixed up without being seen.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
import transformers

WORDS = ["the", "cat", "##s", "sat", "cafe", ",", "a", "##b", "[", "]", "mask", "漢"]
TOKENS = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
TEXTS = ["the cats sat", "a café, the cat"]
LENGTH = 12


def randomize(model):
    torch.manual_seed(1)
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.normal_(1.0 if name.endswith("LayerNorm.weight") else 0.0, 0.3)
    return model.eval()


def lists(value):
    if isinstance(value, tuple):
        return [lists(each) for each in value]
    return np.round(value.detach().numpy().astype(float), 6).tolist()


def main():
    folder = Path(__file__).with_name("tiny_bert")
    shutil.rmtree(folder, ignore_errors=True)
    config = transformers.BertConfig(
        vocab_size=len(TOKENS),
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=12,
        max_position_embeddings=LENGTH,
    )
    folder.mkdir()
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("".join(f"{token}\n" for token in TOKENS), encoding="utf-8")
    tokenizer = transformers.BertTokenizer(str(vocabulary), do_lower_case=True)
    batch = tokenizer(TEXTS, ["a", "the"], padding="max_length", max_length=LENGTH)
    batch = transformers.BatchEncoding(dict(batch), tensor_type="pt")
    expected = {name: value.tolist() for name, value in batch.items()}

    kinds = {
        "pretraining": transformers.BertForPreTraining,
        "classifier": transformers.BertForSequenceClassification,
        "tagger": transformers.BertForTokenClassification,
        "span": transformers.BertForQuestionAnswering,
    }
    labels = {"classifier": ["bad", "fine", "good"], "tagger": ["B-x", "I-x", "O"]}
    for kind, made in kinds.items():
        names = labels.get(kind, ["LABEL_0", "LABEL_1"])
        config.id2label = dict(enumerate(names))
        config.label2id = {label: i for i, label in enumerate(names)}
        if kind == "span":
            config.max_position_embeddings = 100  # a question and an answer fit in
        model = randomize(made(config))
        model.save_pretrained(folder / kind)
        shutil.copy(vocabulary, folder / kind)
        tokenizer_settings = {"do_lower_case": True, "strip_accents": None}
        (folder / kind / "tokenizer_config.json").write_text(json.dumps(tokenizer_settings))
        found = model(**batch, output_hidden_states=kind == "pretraining")
        expected[kind] = {name: lists(value) for name, value in found.items()}
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")
    vocabulary.unlink()


if __name__ == "__main__":
    main()
