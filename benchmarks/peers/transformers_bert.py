"""transformers' BertForPreTraining, timed step by step; run by benchmarks/bert_step.py."""

import sys
from pathlib import Path

import torch
import transformers

sys.path.insert(0, str(Path(__file__).parents[1]))

from bert_step import random_batch, run_side

IGNORED = -100  # the label of a token that is not to be named


def torch_step(precision, vocabulary, batch, length, width, layers):
    config = transformers.BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        intermediate_size=4 * width,
    )
    model = transformers.BertForPreTraining(config).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-4, eps=1e-8, weight_decay=0.01, fused=True
    )
    shown = {n: torch.from_numpy(x) for n, x in random_batch(vocabulary, batch, length).items()}
    shown = {n: x.long() for n, x in shown.items() if not n.endswith("weight")}
    loss_of = gathered if "--gathered" in sys.argv else shipped

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision != "float32"):
            loss = loss_of(model, shown)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return float(loss.detach())

    return step


def shipped(model, shown):
    labels = torch.full_like(shown["ids"], IGNORED).scatter_(1, shown["places"], shown["targets"])
    inputs = {"input_ids": shown["ids"], "token_type_ids": shown["types"]}
    return model(**inputs, labels=labels, next_sentence_label=shown["next"]).loss


def gathered(model, shown):
    """The same loss from the model's own parts, without what is not asked for."""
    found = model.bert(shown["ids"], token_type_ids=shown["types"])
    vectors = found.last_hidden_state
    places = shown["places"][..., None].expand(-1, -1, vectors.shape[-1])
    scores = model.cls.predictions(vectors.gather(1, places)).float()
    pairs = model.cls.seq_relationship(found.pooler_output).float()
    cross_entropy = torch.nn.functional.cross_entropy
    return cross_entropy(scores.flatten(0, 1), shown["targets"].flatten()) + cross_entropy(
        pairs, shown["next"]
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    run_side(torch_step)
