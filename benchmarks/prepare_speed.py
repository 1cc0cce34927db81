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
import statistics
import sys
from pathlib import Path

from taking_turns import PEER
from timed_commands import preparations

RECIPE = """
name: prepare-speed
work: {output}
data: {{train: "{folder}/*.jsonl", valid: 0.05}}
text: {{tokenizer: {{kind: wordpiece, vocabulary: {vocabulary}}}}}
task: {{kind: classify}}
model: {{kind: text_cnn}}
"""


def peers(folder: Path, recipe: Path, vocabulary: Path, output: Path) -> dict[str, list]:
    scripts = Path("benchmarks/peers").resolve()
    return {
        "plain processes": [sys.executable, scripts / "plain_prepare.py", folder, recipe, output],
        "Hugging Face": [PEER, scripts / "hf_prepare.py", folder, vocabulary, output],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    size, runs = preparations(RECIPE, arguments.megabytes, arguments.rounds, peers)
    print(f"{'':18}{'MB/s':>8}{'seconds':>10}{'processor seconds':>20}{'times textmill':>16}")
    ours = statistics.median(clock for clock, *_ in runs["textmill prepare"])
    for name, some in runs.items():
        clock, processor, _ = (statistics.median(part) for part in zip(*some, strict=True))
        print(f"{name:18}{size / clock:8.1f}{clock:10.1f}{processor:20.1f}{clock / ours:16.2f}")


if __name__ == "__main__":
    main()
