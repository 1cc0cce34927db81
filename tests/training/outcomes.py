"""What a finished job left behind."""

import json


def history(run_dir):
    return json.loads((run_dir / "training" / "history.json").read_text())


def losses(run_dir):
    return [row["train_loss"] for row in history(run_dir)]


def weights(run_dir):
    return (run_dir / "training" / "weights.safetensors").read_bytes()
