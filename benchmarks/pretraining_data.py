"""Megabytes of text a second that become examples of BERT's pretraining, against BERT's own way.

    python benchmarks/pretraining_data.py [--megabytes 100] [--rounds 3]

Film reviews and novels, repeated, as four JSONL files; a ready WordPiece vocabulary; examples of
128 tokens, masks drawn once and written. The peer, benchmarks/peers/bert_pretraining_data.py, does
what google-research/bert's create_pretraining_data.py does; textmill, with 2 cores, moreover checks
every record, splits by hash, finds duplicates and writes its report. Each run is a process of its
own, timed whole, in turns. Memory is that of the process at most.
"""

import argparse
import statistics
import sys
from pathlib import Path

from timed_commands import preparations

RECIPE = """
name: pretraining-data
work: {output}
data: {{train: "{folder}/*.jsonl", valid: 0.01}}
text:
  strip_accents: true
  max_length: 128
  tokenizer: {{kind: wordpiece, vocabulary: {vocabulary}}}
task: {{kind: masked_language_model, masking: {{static: true}}}}
model: {{kind: bert}}
"""


def peers(folder: Path, _recipe: Path, vocabulary: Path, output: Path) -> dict[str, list]:
    script = Path("benchmarks/peers/bert_pretraining_data.py").resolve()
    return {"BERT's way": [sys.executable, script, folder, vocabulary, output]}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    size, runs = preparations(RECIPE, arguments.megabytes, arguments.rounds, peers)
    print(f"{'':18}{'MB/s':>8}{'seconds':>10}{'processor seconds':>20}{'memory, MB':>12}")
    for name, some in runs.items():
        clock, processor, memory = (statistics.median(part) for part in zip(*some, strict=True))
        print(f"{name:18}{size / clock:8.2f}{clock:10.1f}{processor:20.1f}{memory:12.0f}")


if __name__ == "__main__":
    main()
