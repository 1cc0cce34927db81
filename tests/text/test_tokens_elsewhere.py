"""A SavedModel with a tokenizer, moved, in a process on a machine set to another language."""

import json
import os
import subprocess
import sys

import pytest
import tensorflow as tf
from text_kinds import GOLDEN, KINDS, make

BERT = {"strip_accents": True, "drop_controls": True}
ELSEWHERE = """
import json, sys
import tensorflow as tf
import tensorflow_text
texts = tf.constant([bytes.fromhex(line) for line in open(sys.argv[1])])
rows = {}
for path in sys.argv[2:]:
    model = tf.saved_model.load(path)
    words, *places = model.words(texts)
    rows[path] = [
        [t.hex() for t in model.clean(texts).numpy()],
        *[part.to_list() for part in (model.ids(texts), *places, *model.ids_of_words(words))],
        [t.hex() for t in model.clean_words(words).flat_values.numpy()],
    ]
print(json.dumps(rows))
"""


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """The folder of each kind's SavedModel, with what the tokenizer answers here."""
    folder, texts = tmp_path_factory.mktemp("moved"), tf.constant(GOLDEN)
    answers = {}
    for kind in KINDS:
        tokenizer = make(kind, **(BERT if kind == "wordpiece" else {}))
        tf.saved_model.save(tokenizer, str(folder / "saved"))
        (folder / "saved").rename(folder / kind)
        words, *places = tokenizer.words(texts)
        tokens = (tokenizer.ids(texts), *places, *tokenizer.ids_of_words(words))
        answers[str(folder / kind)] = [
            [text.hex() for text in tokenizer.clean(texts).numpy()],
            *[part.to_list() for part in tokens],
            [word.hex() for word in tokenizer.clean_words(words).flat_values.numpy()],
        ]
    return answers


@pytest.mark.slow
@pytest.mark.parametrize("language", ["tr_TR.UTF-8", "lt_LT.UTF-8"])
def test_a_saved_tokenizer_gives_the_same_ids_and_words_anywhere(language, moved, tmp_path):
    (tmp_path / "texts").write_text("\n".join(text.hex() for text in GOLDEN))
    run = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, tmp_path / "texts", *moved],
        env={**os.environ, "LC_ALL": language},
        cwd=tmp_path,  # where there is no textmill
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout.splitlines()[-1]) == moved
