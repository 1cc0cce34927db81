"""Megabytes of text a second that `textmill prepare` turns into token ids, against two peers.

    python benchmarks/prepare_speed.py [--megabytes 400] [--rounds 3]

Peers: `python3.11 -m venv .venv-peers && .venv-peers/bin/pip install -r requirements-peers.txt`.

Film reviews and novels, repeated, as four JSONL files; a ready WordPiece vocabulary; 256 tokens at
most. Everyone reads the files, tokenizes, and writes ids, text and label to disk, with 2 cores.
textmill moreover checks every record, splits by hash, finds duplicates and writes its report.
"plain processes" are two Python processes that run the same tokenizer and writer over the files
and do nothing else. Each run is a process of its own, timed whole, in turns.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import corpus

PEER = Path(".venv-peers/bin/python")
VOCABULARY = corpus.DATA / "bert_assets/bert-base-uncased-vocab.txt"
RECIPE = """
name: prepare-speed
work: {output}
data: {{train: "{folder}/*.jsonl", valid: 0.05}}
text: {{tokenizer: {{kind: wordpiece, vocabulary: {vocabulary}}}}}
task: {{kind: classify}}
model: {{kind: text_cnn}}
"""


def timed(command: list[str]) -> tuple[float, float, float]:
    """Seconds by the clock; those of the processors over all of the command's processes; and the
    megabytes of memory that the largest of these had at most.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.getcwd()}
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{command} failed:\n{output.read().decode()[-3000:]}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, output = Path(temporary, "corpus"), Path(temporary, "output")
        paths = corpus.make(folder, arguments.megabytes, 4)
        size = sum(path.stat().st_size for path in paths) / 1e6
        recipe, vocabulary = Path(temporary, "recipe.yaml"), VOCABULARY.resolve()
        recipe.write_text(RECIPE.format(folder=folder, output=output, vocabulary=vocabulary))
        peers = Path("benchmarks/peers").resolve()
        sides: dict[str, list] = {
            "textmill prepare": [Path(sys.executable).with_name("textmill"), "prepare", recipe],
            "plain processes": [sys.executable, peers / "plain_prepare.py", folder, recipe, output],
            "Hugging Face": [PEER, peers / "hf_prepare.py", folder, vocabulary, output],
        }
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for _ in range(arguments.rounds):
            for name, command in sides.items():
                runs[name].append(timed([str(part) for part in command])[:2])
                print(f"{name}: %.1f s, processors %.1f s" % runs[name][-1], flush=True)
                shutil.rmtree(output)
    print(
        f"\n{size:.0f} MB, median of {arguments.rounds} runs; the load was {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':18}{'MB/s':>8}{'seconds':>10}{'processor seconds':>20}{'times textmill':>16}")
    ours = statistics.median(clock for clock, _ in runs["textmill prepare"])
    for name, some in runs.items():
        clock, processor = (statistics.median(part) for part in zip(*some, strict=True))
        print(f"{name:18}{size / clock:8.1f}{clock:10.1f}{processor:20.1f}{clock / ours:16.2f}")


if __name__ == "__main__":
    main()
