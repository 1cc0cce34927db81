"""One tokenizer of each kind, and where real data is."""

import os
from pathlib import Path

import pytest
from text_kinds import GOLDEN, KINDS, make


@pytest.fixture(scope="session")
def golden():
    return GOLDEN


@pytest.fixture(scope="session", params=KINDS)
def tokenizer(request):
    return make(request.param)


@pytest.fixture(scope="session", params=KINDS)
def cased_tokenizer(request):
    return make(request.param, lower=False)


@pytest.fixture(scope="session")
def data():
    """The folder of real data."""
    folder = Path(os.environ.get("TEXTMILL_DATA", "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set TEXTMILL_DATA")
    return folder
