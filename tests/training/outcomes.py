"""Jobs as processes of their own, and what they leave behind."""

import json
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

TEXTMILL = Path(sys.executable).with_name("textmill")
TWO_REPLICAS = "train.strategy={kind: mirrored, replicas: 2}"


def start(recipe_file, prepared, work, *settings, **environment):
    """Start `textmill train`.

    Each work folder gets the prepared data, if there are any, by a link, so that jobs do not share
    runs.
    """
    work.mkdir(parents=True, exist_ok=True)
    if prepared and not (work / "prepared").exists():
        (work / "prepared").symlink_to(prepared.parent)
    command = [TEXTMILL, "train", recipe_file, "--json", "--set", f"work={work}"]
    for setting in settings:
        command += ["--set", setting]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def train(recipe_file, prepared, work, *settings, **environment):
    """Run such a job to its end; returns its run directory."""
    process = start(recipe_file, prepared, work, *settings, **environment)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return Path(json.loads(out.splitlines()[-1])["run_dir"])


def start_workers(start, work, *settings, types=("worker", "worker")):
    """Start a job's two workers. Args: start, of one process; types, of the two in the cluster."""
    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    cluster, tasks = {}, []
    for kind, each in zip(types, sockets, strict=True):
        addresses = cluster.setdefault(kind, [])
        tasks.append({"type": kind, "index": len(addresses)})
        addresses.append(f"127.0.0.1:{each.getsockname()[1]}")
    for each in sockets:
        each.close()
    return [
        start(
            work,
            "train.strategy.kind=multi_worker",
            *settings,
            TF_CONFIG=json.dumps({"cluster": cluster, "task": task}),
        )
        for task in tasks
    ]


def finish(processes):
    ended = [process.communicate(timeout=300) for process in processes]
    return [process.returncode for process in processes], ended


def train_on_workers(start, work, *settings):
    """Run a job on two workers to its end; returns its run directory."""
    statuses, ended = finish(start_workers(start, work, *settings))
    assert statuses == [0, 0], ended
    return next((work / "runs").iterdir())


def killed_and_resumed(start, train, work, steps, *settings):
    """Kill a job soon after each of these steps, whatever it does then, and let it end.

    Args: start and train, of one process. Returns its run directory.
    """
    for step in steps:
        process = start(work, *settings)
        wait_for_step(process, work, step)
        time.sleep(random.random() / 10)
        process.kill()
        process.communicate()
    return train(work, *settings)


def wait_for_step(process, work, step, seconds=120):
    """Until there is a checkpoint of that step or a later one."""
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        saved = work.glob("runs/*/checkpoints/step-????????/manifest.json")
        if any(int(path.parent.name[5:]) >= step for path in saved):
            return
        time.sleep(0.02)
    raise AssertionError(f"no checkpoint of step {step}: {process.communicate()}")


def history(run_dir):
    return json.loads((run_dir / "training" / "history.json").read_text())


def losses(run_dir):
    return [row["train_loss"] for row in history(run_dir)]


def weights(run_dir):
    return (run_dir / "training" / "weights.safetensors").read_bytes()


def assert_same_bits(run_dir, expected):
    assert weights(run_dir) == weights(expected)
    assert history(run_dir) == history(expected)
