"""transformers' BERT with a head of labels, timed step by step; see fine_tuning_step.py."""

import sys
from pathlib import Path

import torch
import transformers

sys.path.insert(0, str(Path(__file__).parents[1]))

from fine_tuning_step import LABELS, random_batch, run_side


def torch_step(precision, vocabulary, batch, length, layers, width, heads):
    config = transformers.BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        num_labels=LABELS,
    )
    model = transformers.BertForSequenceClassification(config).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=5e-5, eps=1e-8, weight_decay=0.01, fused=True
    )
    given = random_batch(vocabulary, batch, length)
    ids, types, labels = (torch.from_numpy(given[n]).long() for n in ("ids", "types", "label"))
    mask = torch.ones_like(ids)

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision != "float32"):
            found = model(ids, attention_mask=mask, token_type_ids=types, labels=labels)
        found.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return float(found.loss.detach())

    return step


if __name__ == "__main__":
    torch.set_num_threads(1)
    run_side(torch_step)
