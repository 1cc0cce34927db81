"""Import TensorFlow without the lines that its C++ writes before it looks at any log level."""

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


def settle_environment() -> None:
    """What has to be said before TensorFlow, Keras, Beam or MLflow is imported."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # MLflow sends usage figures home unless told otherwise.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # Without a GPU driver, level 2 still shows that CUDA could not be started.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if Path("/dev/nvidiactl").exists() else "3")


@cache  # once a process: what a later call froze would never be freed
def import_tensorflow() -> None:
    settle_environment()
    with _hushed():
        import tensorflow_text  # noqa: F401  (which imports tensorflow)
    # What was imported stays to the end. The cycle collector need not walk over it again and again,
    # a tenth of the time of preparing, nor once more at the exit, 1.2 seconds of every command.
    gc.freeze()


@contextmanager
def _hushed() -> Iterator[None]:
    """Standard error goes to a file, which is shown only if the block fails."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said, os.fdopen(os.dup(2), "wb") as shown:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            shown.write(said.read())
            raise
        finally:
            os.dup2(shown.fileno(), 2)
