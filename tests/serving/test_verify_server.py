"""Golden requests replayed against a real server, over REST and gRPC."""

import json
import shutil

import numpy as np
import pytest
from running_server import running
from small_models import EXPORTED, exported
from tiny_server import TEXTS, expected

from pipeline import artifacts
from serving import verify


@pytest.fixture
def export(tiny, tmp_path):
    """Version 2 of `tiny` with golden requests and a manifest, as an export has them."""
    folder = tmp_path / "2"
    outputs = expected(tiny / "2", TEXTS)
    outputs["label"], outputs["labels"] = (
        np.char.decode(outputs[name].astype(bytes)) for name in ("label", "labels")
    )

    def row(i):
        return {name: value[i].tolist() for name, value in outputs.items()}

    with artifacts.publish(
        folder, "mark", {"name": "tiny", "version": 2, "precision": "float32"}
    ) as unfinished:
        shutil.copytree(tiny / "2", unfinished, dirs_exist_ok=True)
        lines = [json.dumps({"text": t, "outputs": row(i)}) for i, t in enumerate(TEXTS)]
        (unfinished / "golden_requests.jsonl").write_text("\n".join(lines))
    return folder


def test_the_largest_difference_is_printed(server, export, capsys):
    assert verify.main([str(export), "--url", server.rest, "--grpc", server.grpc, "--json"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["REST", "gRPC"]
    facts = json.loads(last)
    assert facts["largest_difference"] == max(facts["REST"], facts["gRPC"]) <= 1e-6


@pytest.mark.slow
def test_pairs_characters_tags_and_next_words_are_served_as_they_were_trained(tmp_path):
    exports = [exported(tmp_path / "models", kind) for kind in EXPORTED]
    with running(tmp_path, tmp_path / "models") as server:
        for export in exports:
            differences = verify.verify(export, server.rest, server.grpc)
            assert max(differences.values()) <= 1e-5


def test_a_wrong_answer_is_found(server, export, capsys):
    golden = export / "golden_requests.jsonl"
    first, *others = golden.read_text().splitlines()
    changed = json.loads(first)
    changed["outputs"]["probabilities"][0] += 2e-5
    golden.write_text("\n".join([json.dumps(changed), *others]))
    artifacts.seal(export, "mark", {"name": "tiny", "version": 2, "precision": "float32"})
    for how in (["--url", server.rest], ["--grpc", server.grpc]):
        assert verify.main([str(export), *how]) == 1
        assert "answers differ from the trained model's by up to 2" in capsys.readouterr().err


def test_another_version_is_not_what_is_verified(server, export, capsys):
    facts = artifacts.read_json(export / "manifest.json")
    artifacts.write_json(export / "manifest.json", {**facts, "version": 3})
    assert verify.main([str(export), "--url", server.rest]) == 1
    assert "Specific(tiny, 3)" in capsys.readouterr().err


def test_no_server_to_ask_is_a_wrong_call(export):
    with pytest.raises(SystemExit) as ended:
        verify.main([str(export)])
    assert ended.value.code == 2
