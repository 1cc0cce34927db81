"""The REST API, over a real socket: what it answers, and how it refuses."""

import base64
import json
import subprocess

import httpx
import numpy as np
import pytest
from tiny_server import LABELS, TEXTS, expected

TINY = "tiny:predict"


def test_row_form_answers_like_the_model(server, tiny):
    answer = server.post(TINY, json={"instances": TEXTS})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "stand-in" in answer.headers["server"]
    rows = answer.json()["predictions"]
    wanted = expected(tiny / "2", TEXTS)
    assert len(rows) == len(TEXTS)
    for i, row in enumerate(rows):
        assert row.keys() == wanted.keys()
        assert row["labels"] == [label.decode() for label in wanted["labels"][i]]
        np.testing.assert_allclose(row["probabilities"], wanted["probabilities"][i], atol=1e-6)


def test_column_form_and_named_inputs_answer_the_same(server):
    rows = server.post(TINY, json={"instances": TEXTS}).json()["predictions"]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    encoded = [{"b64": base64.b64encode(text.encode()).decode()} for text in TEXTS]
    for body in (
        {"inputs": TEXTS},
        {"inputs": {"text": TEXTS}},
        {"inputs": {"text": encoded}, "signature_name": "serving_default"},
    ):
        assert server.post(TINY, json=body).json() == {"outputs": columns}
    for body in (
        {"instances": [{"text": text} for text in TEXTS]},
        {"instances": [{"text": value} for value in encoded]},
        {"instances": encoded},
    ):
        assert server.post(TINY, json=body).json() == {"predictions": rows}


def test_ids_signature(server):
    ids = [[*text.encode()] for text in ("abc", "xyz")]
    body = {"signature_name": "ids", "instances": ids}
    by_ids = server.post(TINY, json=body).json()
    by_text = server.post(TINY, json={"instances": ["abc", "xyz"]}).json()
    assert [row["label"] for row in by_ids["predictions"]] == [
        row["label"] for row in by_text["predictions"]
    ]


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("tiny", 2),
        ("both", 2),
        ("both/versions/1", 1),
        ("both/versions/2", 2),
        ("both/labels/stable", 1),
    ],
)
def test_the_version_that_was_asked_for_answers(server, path, version):
    answer = server.post(f"{path}:predict", json={"instances": ["a"]}).json()
    assert answer["predictions"][0]["label"].startswith(f"v{version} ")


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (TINY, b'{"instances": ["a"', 400, "JSON Parse error"),
        (TINY, b"", 400, "JSON Parse error"),
        (TINY, b"[" * 100_000, 400, "JSON Parse error"),
        (TINY, b"[]", 400, "not object"),
        (TINY, b'{"instances": ' + b"[" * 100 + b'"a"' + b"]" * 100 + b"}", 400, "dimension"),
        (TINY, b'{"instances": [' + b"[" * 900 + b"]" * 900 + b", 3]}", 400, "incorrect level"),
        (TINY, b'{"instances": [' + b'{"a":' * 900 + b"3" + b"}" * 900 + b"]}", 400, "keys must"),
        (TINY, b"{}", 400, "Missing 'inputs' or 'instances'"),
        (TINY, b'{"instances": ["a"], "inputs": ["a"]}', 400, "only one of"),
        (TINY, b'{"instances": "a"}', 400, "list/array"),
        (TINY, b'{"instances": []}', 400, "No values"),
        (TINY, b'{"instances": [3]}', 400, "not of expected type: string"),
        (TINY, b'{"instances": [null]}', 400, "not of expected type: string"),
        (TINY, b'{"instances": ["\\ud800"]}', 400, "surrogates not allowed"),
        (TINY, b'{"instances": [{"b64": "!"}]}', 400, "base64"),
        (TINY, b'{"instances": [["a"], ["b"]]}', 400, "shape [-1] but got [2, 1]"),
        (TINY, b'{"instances": [["a"], "b"]}', 400, "incorrect level"),
        (TINY, b'{"instances": [["a"], ["b", "c"]]}', 400, "unexpected size: 2"),
        (TINY, b'{"inputs": "a"}', 400, "expected shape [-1] but got []"),
        (TINY, b'{"instances": [{"txt": "a"}]}', 400, "keys must be equal to: text"),
        (TINY, b'{"instances": [{"text": "a", "x": 1}]}', 400, "keys must be equal"),
        (TINY, b'{"instances": [{"text": "a"}, "b"]}', 400, "Expecting object"),
        (TINY, b'{"instances": ["a", {"text": "b"}]}', 400, "got object at item 1"),
        (TINY, b'{"inputs": {"txt": ["a"]}}', 400, "Missing named input: text"),
        (TINY, b'{"signature_name": 1, "instances": ["a"]}', 400, "signature_name"),
        (TINY, b'{"signature_name": "x", "instances": ["a"]}', 400, '"x" not found'),
        (TINY, b'{"signature_name": "ids", "instances": [[1.5]]}', 400, "type: int32"),
        (TINY, b'{"signature_name": "ids", "instances": [[true]]}', 400, "type: int32"),
        (TINY, b'{"signature_name": "ids", "inputs": [[3000000000]]}', 400, "int32"),
        (TINY, b'{"signature_name": "ids", "inputs": [[999]]}', 400, "999"),
        ("none:predict", b'{"instances": ["a"]}', 404, "not found for request: Latest(none)"),
        ("tiny/versions/9:predict", b'{"instances": ["a"]}', 404, "Specific(tiny, 9)"),
        ("both/labels/x:predict", b'{"instances": ["a"]}', 400, "Unrecognized servable version"),
        ("both/labels/missing:predict", b'{"instances": ["a"]}', 404, "Specific(both, 9)"),
        ("tiny/versions/99999999999999999999:predict", b"{}", 400, "Failed to convert version"),
        ("tiny/versions/" + "9" * 5_000 + ":predict", b"{}", 400, "Failed to convert version"),
        ("tiny:Predict", b'{"instances": ["a"]}', 400, "Malformed request: POST"),
        ("tiny:classify", b'{"examples": [{}]}', 501, "not supported"),
        ("tiny:regress", b'{"examples": [{}]}', 501, "not supported"),
        ("tiny:guess", b"{}", 400, "Malformed request: POST"),
        ("tiny", b"{}", 400, "Malformed request: POST"),
    ],
)  # fmt: skip
def test_refusals(server, path, body, status, said):
    answer = server.post(path, content=body)
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert said in answer.json()["error"]


def test_an_empty_batch_has_empty_answers(server):
    outputs = server.post(TINY, json={"inputs": []}).json()["outputs"]
    assert outputs["label"] == outputs["probabilities"] == []


def test_bytes_that_are_not_utf8_reach_the_model_as_they_are(server, tiny):
    raw = b"caf\xe9 \xff\xfe"
    wanted = expected(tiny / "2", [raw])["probabilities"][0]
    sent_raw = server.post(TINY, content=b'{"instances": ["' + raw + b'"]}')
    b64 = {"b64": base64.b64encode(raw).decode()}
    sent_b64 = server.post(TINY, json={"instances": [b64]})
    for answer in (sent_raw, sent_b64):
        got = answer.json()["predictions"][0]["probabilities"]
        np.testing.assert_allclose(got, wanted, atol=1e-6)


def test_status(server):
    def entry(version):
        status = {"error_code": "OK", "error_message": ""}
        return {"version": version, "state": "AVAILABLE", "status": status}

    both = server.get("/v1/models/both").json()
    assert both == {"model_version_status": [entry("2"), entry("1")]}
    assert server.get("/v1/models/both/labels/stable").json()["model_version_status"] == [
        entry("1")
    ]
    for path, status in (
        ("/v1/models/none", 404),
        ("/v1/models/tiny/versions/9", 404),
        ("/v1/models/both/labels/x", 400),
        ("/v1/models", 400),
        ("/v1/elsewhere", 400),
        ("/elsewhere", 404),
    ):
        assert server.get(path).status_code == status, path


def test_paths_are_found_in_any_case_like_tf_servings(server):
    answer = httpx.post(
        f"{server.rest}/V1/Models/both/LABELS/stable:predict", json={"inputs": ["a"]}
    )
    assert answer.json()["outputs"]["label"][0].startswith("v1 ")
    assert server.get("/v1/MODELS/tiny/Versions/2").json() == server.get("/v1/models/tiny").json()
    assert server.get("/v1/models/TINY").status_code == 404


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PROPFIND"])
def test_other_methods_are_refused(server, method):
    assert httpx.request(method, f"{server.rest}/v1/models/tiny").status_code == 400


def test_more_values_than_a_request_may_hold_are_413_and_the_connection_goes_on(server):
    bodies = [b"[" + b"[]," * 300_000 + b"[]]", b'{"inputs": [' + b'"a",' * 2_000_000 + b'"a"]}']
    with httpx.Client(base_url=server.rest, timeout=20) as client:
        for body in bodies:
            refused = client.post(f"/v1/models/{TINY}", content=body)
            assert refused.status_code == 413
            assert "more than 262144 texts, numbers and lists" in refused.json()["error"]
            assert "connection" not in refused.headers
        assert client.post(f"/v1/models/{TINY}", json={"instances": ["a"]}).status_code == 200


def test_texts_full_of_commas_and_brackets_are_few_values(server, tiny):
    texts = [",[{" * 100_000, '\\",' * 100_000]
    answered = server.post(TINY, json={"inputs": texts}).json()["outputs"]
    wanted = expected(tiny / "2", texts)["labels"].astype(str).tolist()
    assert answered["labels"] == wanted


def test_metadata_has_the_signatures(server):
    metadata = server.get("/v1/models/both/versions/1/metadata").json()
    assert metadata["model_spec"] == {"name": "both", "version": "1", "signature_name": ""}
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    text = signatures["serving_default"]["inputs"]["text"]
    assert text["dtype"] == "DT_STRING"
    assert [dim["size"] for dim in text["tensor_shape"]["dim"]] == ["-1"]
    outputs = signatures["ids"]["outputs"]
    assert outputs["probabilities"]["tensor_shape"]["dim"][1]["size"] == str(LABELS)


def test_metrics_count_requests_by_outcome(server):
    def counts():
        lines = server.get("/monitoring/prometheus/metrics").text.splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    name = ':tensorflow:serving:request_count{model_name="both",status="%s"}'
    before = counts()
    server.post("both:predict", json={"instances": ["a"]})
    server.post("both:predict", json={"instances": [3]})
    server.post("made-up-name:predict", json={"instances": [3]})
    after = counts()
    for status in ("OK", "INVALID_ARGUMENT"):
        assert float(after[name % status]) == float(before.get(name % status, 0)) + 1
    assert not [line for line in after if "made-up-name" in line]
    latency = ':tensorflow:serving:request_latency_count{API="predict",entrypoint="REST",'
    assert any(line.startswith(latency) for line in after)


def test_curl(server):
    """The line that the server prints when it is ready."""
    command = ["curl", "-s", "-d", '{"instances": ["Köln"]}']
    out = subprocess.run([*command, f"{server.rest}/v1/models/tiny:predict"], capture_output=True)
    assert json.loads(out.stdout)["predictions"][0]["label"].startswith("v2 ")
    huge = ["curl", "-s", "-w", "%{http_code}", "--data-binary", "@-"]
    out = subprocess.run(
        [*huge, f"{server.rest}/v1/models/tiny:predict"],
        input=b'{"instances": ["' + b"a" * (17 << 20) + b'"]}',
        capture_output=True,
    )
    assert out.stdout.endswith(b"413")
    assert b"larger than 16777216 bytes" in out.stdout
