"""Who is who in a cluster, as TF_CONFIG says it."""

import json

import pytest

from configs.training import Strategy
from pipeline.errors import JobError
from pipeline.training import distribute

WORKERS = {"worker": ["a:1", "b:1"]}
# As Kubeflow writes it; some versions list the evaluator, too.
CHIEF = {"chief": ["c:1"], "worker": ["a:1"]}


@pytest.fixture
def task(monkeypatch):
    def set_task(cluster, kind, index):
        said = {"cluster": cluster, "task": {"type": kind, "index": index}, "environment": "cloud"}
        monkeypatch.setenv("TF_CONFIG", json.dumps(said))

    return set_task


@pytest.mark.parametrize(
    ("cluster", "kind", "index", "chief"),
    [
        (WORKERS, "worker", 0, True),
        (WORKERS, "worker", 1, False),
        (CHIEF, "chief", 0, True),
        (CHIEF, "worker", 0, False),
        (CHIEF, "worker", "0", False),
        (CHIEF, "evaluator", 0, False),
        (CHIEF | {"evaluator": ["e:1"]}, "evaluator", 0, False),
        ({"chief": [], **WORKERS}, "worker", 0, True),
    ],
)
def test_a_cluster_has_one_chief(task, cluster, kind, index, chief):
    task(cluster, kind, index)
    assert distribute.is_chief() == chief
    assert distribute.is_evaluator() == (kind == "evaluator")
    assert distribute.patience(Strategy(wait=7)) == (None if chief else 7)


@pytest.mark.parametrize("value", [None, ""])
def test_alone_is_chief(monkeypatch, value):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if value is not None:
        monkeypatch.setenv("TF_CONFIG", value)
    assert distribute.is_chief()
    assert distribute.cluster() is None
    assert not distribute.is_evaluator()


@pytest.mark.parametrize(
    "value", ["{", "[]", "{}", '{"cluster": {}, "task": {"type": "worker", "index": 0}}', "3"]
)
def test_what_is_no_cluster_is_one_line(monkeypatch, value):
    monkeypatch.setenv("TF_CONFIG", value)
    with pytest.raises(JobError, match=r"from TF_CONFIG, got .*set it on each of them to"):
        distribute.is_chief()


def test_what_textmill_does_not_do_is_refused(task, monkeypatch):
    task(CHIEF | {"ps": ["p:1"]}, "ps", 0)
    with pytest.raises(JobError, match="parameter servers, which textmill does not use"):
        distribute.is_chief()
    task(CHIEF, "chief", 0)
    with pytest.raises(JobError, match=r"one_device, but TF_CONFIG names 2 processes"):
        distribute.strategy(Strategy(kind="one_device", wait=1))
    monkeypatch.delenv("TF_CONFIG")
    with pytest.raises(JobError, match="TF_CONFIG, which is not set"):
        distribute.strategy(Strategy(kind="multi_worker", wait=1))
