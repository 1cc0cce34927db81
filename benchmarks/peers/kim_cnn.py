"""Kim's CNN in plain PyTorch, timed step by step; run by benchmarks/cnn_step.py, in .venv-peers."""

import argparse
import json
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))

from cnn_step import THREADS, VOCABULARY, times


class KimCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings = nn.Embedding(VOCABULARY, 300, padding_idx=0)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(300, 100, width, padding="same") for width in (3, 4, 5)
        )
        self.dropout, self.head = nn.Dropout(0.5), nn.Linear(300, 2)

    def forward(self, ids):
        x = self.embeddings(ids).transpose(1, 2)  # (B, D, T)
        features = [torch.relu(c(x)).max(dim=2).values for c in self.convolutions]
        return self.head(self.dropout(torch.cat(features, dim=1)))


def stepper(precision, fused):
    model = KimCNN()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=fused)

    def take(n, ids, labels):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision != "float32"):
            logits = model(torch.from_numpy(ids).long())
            loss = nn.functional.cross_entropy(logits, torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        return loss.item()

    return take


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--fused", action="store_true")
    parser.add_argument("--side", nargs=2)
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    take = stepper(arguments.side[0], arguments.fused)
    print(json.dumps(times(take, arguments.side[1])))
