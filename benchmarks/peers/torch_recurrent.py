"""Recurrent layers of PyTorch, timed step by step; run by benchmarks/recurrent_step.py."""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from recurrent_step import LENGTH, run_side


def torch_step(precision, _, cell, batch, units, projection=None, both=False):
    width = projection or units
    layer = getattr(torch.nn, cell.upper())(
        width,
        units,
        num_layers=1 + both,
        batch_first=True,
        bidirectional=both,
        **({"proj_size": projection} if projection else {}),
    )
    x = torch.randn(batch, LENGTH, width, requires_grad=True)

    def step():
        layer.zero_grad()
        x.grad = None
        with torch.autocast("cpu", torch.bfloat16, enabled=precision != "float32"):
            outputs, _ = layer(x)
        outputs.float().sum().backward()

    return step


if __name__ == "__main__":
    torch.set_num_threads(1)
    run_side(torch_step)
