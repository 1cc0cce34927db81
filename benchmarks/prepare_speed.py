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
import statistics
import sys
import tempfile
from pathlib import Path

import corpus
from timed_commands import in_turns

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
        runs = in_turns(sides, arguments.rounds, output)
    print(
        f"\n{size:.0f} MB, median of {arguments.rounds} runs; the load was {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':18}{'MB/s':>8}{'seconds':>10}{'processor seconds':>20}{'times textmill':>16}")
    ours = statistics.median(clock for clock, *_ in runs["textmill prepare"])
    for name, some in runs.items():
        clock, processor, _ = (statistics.median(part) for part in zip(*some, strict=True))
        print(f"{name:18}{size / clock:8.1f}{clock:10.1f}{processor:20.1f}{clock / ours:16.2f}")


if __name__ == "__main__":
    main()
