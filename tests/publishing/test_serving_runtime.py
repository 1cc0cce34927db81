"""The export on what TensorFlow Serving 2.20 is built from: tensorflow 2.20 and its tf-text, alone.

No build of TensorFlow Serving comes from a package registry; this is the nearest proof to it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from small_models import EXPORTED, exported

from pipeline import artifacts
from pipeline.publishing import serving_ops

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements-serving-runtime.txt"
VENV = ROOT / ".venv-serving-runtime"

REGISTERED_OPS = """
import json
import tensorflow, tensorflow_text
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session as session
registered = op_def_pb2.OpList.FromString(session.TF_GetBuffer(session.TF_GetAllOpList()))
print(json.dumps(sorted(op.name for op in registered.op)))
"""


def run(*command):
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def runtime():
    """The Python of that environment, which is made when it is not there or its lock changed."""
    python, made_from = VENV / "bin" / "python", VENV / "made-from"
    lock = artifacts.checksum(LOCK)
    if not made_from.is_file() or made_from.read_text() != lock:
        uv = Path(sys.executable).with_name("uv")
        run(uv, "venv", "--clear", "--python", sys.executable, VENV)
        run(uv, "pip", "sync", "--require-hashes", "--python", python, LOCK)
        made_from.write_text(lock)
    return python


def test_it_has_no_more_than_the_server_has(runtime):
    freeze = run(Path(sys.executable).with_name("uv"), "pip", "freeze", "--python", runtime)
    assert re.search(rf"^tensorflow-cpu=={re.escape(serving_ops.TARGET)}\.", freeze, re.M)
    assert re.search(rf"^tensorflow-text=={re.escape(serving_ops.TARGET)}\.", freeze, re.M)
    assert not re.search("^(textmill|keras-hub|mlflow|pydantic|apache-beam)", freeze, re.M)


def test_it_answers_what_the_trained_model_answered(runtime, export_dir, tmp_path):
    """From another place, and with nothing else of the run to be found."""
    moved = shutil.copytree(export_dir, tmp_path / "1")
    run_folder = export_dir.parents[3]
    hidden = run_folder.rename(run_folder.with_name("hidden"))
    try:
        said = run(runtime, "-m", "pipeline.publishing.verify", moved)
    finally:
        hidden.rename(run_folder)
    assert float(re.search(r"largest difference (\S+)", said)[1]) <= 1e-5


@pytest.mark.parametrize("kind", EXPORTED)
def test_other_kinds_of_models_answer_there_too(runtime, kind, tmp_path):
    """With loops over time, characters and a CRF, and whatever else their graphs hold."""
    said = run(runtime, "-m", "pipeline.publishing.verify", exported(tmp_path, kind))
    assert float(re.search(r"largest difference (\S+)", said)[1]) <= 1e-5


def test_the_list_of_ops_that_it_lacks_is_complete(runtime):
    """Those that this environment's TensorFlow has and that one has not, but for TPUs and XLA."""
    here, there = (
        set(json.loads(run(python, "-c", REGISTERED_OPS).splitlines()[-1]))
        for python in (sys.executable, runtime)
    )
    served = {op for op in here - there if not re.match("_|Xla|TPU", op)}
    [release] = [r for r in serving_ops.ADDED if tf.__version__.startswith(r)]
    assert served == set(serving_ops.ADDED[release])
    assert set(serving_ops.ADDED[serving_ops.TARGET]) <= there
