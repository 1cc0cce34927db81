"""fastai's AWD-LSTM language model, timed step by step; run by benchmarks/awd_lstm_step.py."""

import sys
from pathlib import Path

import torch
from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_lm_config
from fastai.text.models.core import get_language_model

sys.path.insert(0, str(Path(__file__).parents[1]))

from awd_lstm_step import run_side

# Of the Penn Treebank, as `configs.models.AwdDropouts` has them.
DROPOUTS = {"embed_p": 0.1, "input_p": 0.4, "weight_p": 0.5, "hidden_p": 0.3, "output_p": 0.4}


def torch_step(precision, vocabulary, batch, window, width, units, layers):
    sizes = {"emb_sz": width, "n_hid": units, "n_layers": layers}
    model = get_language_model(AWD_LSTM, vocabulary, awd_lstm_lm_config | sizes | DROPOUTS)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    ids = torch.randint(5, vocabulary, (batch * window + 1,))
    words, targets = ids[:-1].view(batch, window), ids[1:]

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision != "float32"):
            scores, raw, dropped = model(words)
        loss = torch.nn.functional.cross_entropy(scores.float().view(-1, vocabulary), targets)
        # As `fastai.callback.rnn.RNNRegularizer` has them.
        loss = loss + 2 * dropped.float().pow(2).mean()
        loss = loss + (raw[:, 1:] - raw[:, :-1]).float().pow(2).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()

    return step


if __name__ == "__main__":
    torch.set_num_threads(1)
    run_side(torch_step)
