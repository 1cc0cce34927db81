"""Megabytes of text a second that become examples of BERT's pretraining, against BERT's own way.

    python benchmarks/pretraining_data.py [--megabytes 100] [--rounds 3]

Film reviews and novels, repeated, as four JSONL files; a ready WordPiece vocabulary; examples of
128 tokens, masks drawn once and written. The peer, benchmarks/peers/bert_pretraining_data.py, does
what google-research/bert's create_pretraining_data.py does; textmill, with 2 cores, moreover checks
every record, splits by hash, finds duplicates and writes its report. Each run is a process of its
own, timed whole, in turns. Memory is that of the process at most.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import corpus
from prepare_speed import VOCABULARY
from timed_commands import in_turns

RECIPE = """
name: pretraining-data
work: {output}
data: {{train: "{folder}/*.jsonl", valid: 0.01}}
text: {{strip_accents: true, max_length: 128, tokenizer: {{kind: wordpiece, vocabulary: {words}}}}}
task: {{kind: masked_language_model, masking: {{static: true}}}}
model: {{kind: bert}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, output = Path(temporary, "corpus"), Path(temporary, "output")
        paths = corpus.make(folder, arguments.megabytes, 4)
        size = sum(path.stat().st_size for path in paths) / 1e6
        recipe, words = Path(temporary, "recipe.yaml"), VOCABULARY.resolve()
        recipe.write_text(RECIPE.format(folder=folder, output=output, words=words))
        peer = Path("benchmarks/peers/bert_pretraining_data.py").resolve()
        sides: dict[str, list] = {
            "textmill prepare": [Path(sys.executable).with_name("textmill"), "prepare", recipe],
            "BERT's way": [sys.executable, peer, folder, words, output],
        }
        runs = in_turns(sides, arguments.rounds, output)
    print(
        f"\n{size:.0f} MB, median of {arguments.rounds} runs; the load was {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':18}{'MB/s':>8}{'seconds':>10}{'processor seconds':>20}{'memory, MB':>12}")
    for name, some in runs.items():
        clock, processor, memory = (statistics.median(part) for part in zip(*some, strict=True))
        print(f"{name:18}{size / clock:8.2f}{clock:10.1f}{processor:20.1f}{memory:12.0f}")


if __name__ == "__main__":
    main()
