"""ULMFiT on film reviews: accuracy by labels and by start, and the ablation of the paper's table 7.

    python benchmarks/ulmfit.py curve|ablation [VARIANT...]

Each is `textmill learning-curve` of configs/classify/imdb_ulmfit.yaml, tested on every tenth of the
25,000 test reviews, with the settings that stand here. The language models come first:

    textmill train configs/language_model/novels_awd_lstm.yaml
    textmill train configs/language_model/imdb_awd_lstm.yaml

Jobs that are done are not done again: two processes may share the variants, if each names its own,
and the command without names then says what all of them came to.
"""

import argparse
import gzip
import os
from pathlib import Path

from variants import learning_curve

DATA = Path(os.environ.get("TEXTMILL_DATA", "../shared/data"))
TEST = Path("work/ulmfit/test.jsonl")
AT_ONCE = "train.gradual_unfreezing=false"
SAME_RATES = "train.discriminative=null"
CONSTANT = "train.schedule={kind: constant}"
SCRATCH = (
    "init_from=null",
    "text.tokenizer.vocabulary=null",
    AT_ONCE,
    SAME_RATES,
    "train.learning_rate=0.003",
)
VARIANTS = {
    "curve": {
        "scratch": SCRATCH,
        "pretrained": ("init_from=work/runs/novels-awd-lstm",),
        "finetuned": (),
    },
    "ablation": {
        "scratch": SCRATCH,
        "full": (AT_ONCE, SAME_RATES, CONSTANT),
        "full-discr": (AT_ONCE, CONSTANT),
        "freez-discr-stlr": (),
    },
}
# Few labels need many epochs. Two epochs of all of them are too few to unfreeze a group in each.
SIZES = {"curve": "100,500,1000,5000x1,allx1", "ablation": "500"}
AT = {
    "curve": {
        "100": "train.epochs=20",
        "1000": "train.epochs=8,train.batch_size=64",
        "5000": "train.epochs=4,train.batch_size=64",
        "all": f"train.epochs=2,train.batch_size=64,{AT_ONCE}",
    },
    "ablation": {},
}
SET = (
    "data.valid=null",
    f"data.test={TEST}",
    "text.max_length=400",
    "train.epochs=12",
    "train.batch_size=32",
)


def test_reviews() -> None:
    """Write every tenth test review to `TEST`, once."""
    if not TEST.is_file():
        TEST.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(DATA / "imdb/test.jsonl.gz", "rt", encoding="utf-8") as lines:
            TEST.write_text("".join(list(lines)[::10]), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", choices=VARIANTS)
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help="all, if none is named")
    chosen = parser.parse_args()
    test_reviews()
    settings = VARIANTS[chosen.table]
    options = ["--sizes", SIZES[chosen.table]]
    options += [word for setting in SET for word in ("--set", setting)]
    options += [word for at in AT[chosen.table].items() for word in ("--at", ":".join(at))]
    out = "-".join((f"work/ulmfit/{chosen.table}", *chosen.variants))
    named = {name: settings[name] for name in chosen.variants or settings}
    learning_curve("classify/imdb_ulmfit.yaml", named, out, *options)


if __name__ == "__main__":
    main()
