"""The gRPC API through the official stubs."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)
from tiny_server import TEXTS, expected


def request(texts=TEXTS, model="tiny", **spec) -> predict_pb2.PredictRequest:
    made = predict_pb2.PredictRequest()
    made.model_spec.name = model
    if "version" in spec:
        made.model_spec.version.value = spec.pop("version")
    for name, value in spec.items():
        setattr(made.model_spec, name, value)
    made.inputs["text"].CopyFrom(tf.make_tensor_proto(texts, tf.string, [len(texts)]))
    return made


def refusal(call, *arguments) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, timeout=20)
    return caught.value


def test_answers_like_the_model(server, tiny):
    response = server.prediction().Predict(request(), timeout=20)
    wanted = expected(tiny / "2", TEXTS)
    assert response.outputs.keys() == wanted.keys()
    for name, value in wanted.items():
        got = tf.make_ndarray(response.outputs[name])
        assert got.shape == value.shape
        if value.dtype == object:
            assert got.tolist() == value.tolist()
        else:
            np.testing.assert_allclose(got, value, atol=1e-6)
    # Clients read these fields directly, so the values must not be in tensor_content.
    assert len(response.outputs["score"].float_val) == len(TEXTS)
    spec = response.model_spec
    assert (spec.name, spec.version.value) == ("tiny", 2)
    assert spec.signature_name == "serving_default"


def test_output_filter(server):
    asked = request()
    asked.output_filter.extend(["label", "score"])
    response = server.prediction().Predict(asked, timeout=20)
    assert set(response.outputs) == {"label", "score"}
    asked.output_filter.append("x")
    assert "output tensor alias not found" in refusal(server.prediction().Predict, asked).details()


@pytest.mark.parametrize(
    ("spec", "version"), [({}, 2), ({"version": 1}, 1), ({"version_label": "stable"}, 1)]
)
def test_the_version_that_was_asked_for_answers(server, spec, version):
    response = server.prediction().Predict(request(["a"], "both", **spec), timeout=20)
    assert response.model_spec.version.value == version
    assert response.outputs["label"].string_val[0].startswith(b"v%d " % version)


def test_empty_batch(server):
    response = server.prediction().Predict(request([]), timeout=20)
    assert tf.make_ndarray(response.outputs["label"]).shape == (0,)


def replaced(**inputs) -> predict_pb2.PredictRequest:
    made = request()
    made.inputs.clear()
    for name, value in inputs.items():
        made.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return made


def too_few_strings() -> predict_pb2.PredictRequest:
    made = request(["a"])
    made.inputs["text"].tensor_shape.dim[0].size = 1_000_000_000
    return made


def one_number_for_a_terabyte() -> predict_pb2.PredictRequest:
    made = replaced(ids=[[1]])
    made.model_spec.signature_name = "ids"
    made.inputs["ids"].CopyFrom(tf.make_tensor_proto(1, tf.int32, shape=[1, 1]))
    made.inputs["ids"].ClearField("tensor_content")
    made.inputs["ids"].int_val[:] = [1]
    made.inputs["ids"].tensor_shape.dim[1].size = 1 << 38
    return made


def of_type(number: int) -> predict_pb2.PredictRequest:
    made = request(["a"])
    made.inputs["text"].dtype = number
    return made


def too_many_filters() -> predict_pb2.PredictRequest:
    made = request(["a"])
    made.output_filter.extend(["label"] * 300_000)
    return made


def too_many_dimensions() -> predict_pb2.PredictRequest:
    made = request([])
    made.inputs["text"].tensor_shape.dim.extend([made.inputs["text"].tensor_shape.dim[0]] * 300_000)
    return made


def too_large_a_shape_of_nothing() -> predict_pb2.PredictRequest:
    made = request([])
    made.inputs["text"].tensor_shape.dim.add(size=1 << 62)
    return made


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (lambda: request(model=""), "INVALID_ARGUMENT", "no name"),
        (lambda: request(model="none"), "NOT_FOUND", "Latest(none)"),
        (lambda: request(version=9), "NOT_FOUND", "Specific(tiny, 9)"),
        (lambda: request(version_label="x"), "INVALID_ARGUMENT", "version label"),
        (lambda: request(signature_name="x"), "FAILED_PRECONDITION", '"x" not found'),
        (lambda: replaced(), "INVALID_ARGUMENT", "Missing but required: {text}"),
        (lambda: replaced(text=["a"], x=[1]), "INVALID_ARGUMENT", "Sent extra: {x}"),
        (lambda: replaced(text=[1.0]), "INVALID_ARGUMENT", "expected string but got float32"),
        (lambda: replaced(text="a"), "INVALID_ARGUMENT", "expected shape [-1] but got []"),
        (lambda: replaced(text=[["a"]]), "INVALID_ARGUMENT", "expected shape [-1] but got [1, 1]"),
        (one_number_for_a_terabyte, "INVALID_ARGUMENT", "too large"),
        (lambda: of_type(types_pb2.DT_VARIANT), "INVALID_ARGUMENT", "variant"),
        (lambda: of_type(types_pb2.DT_RESOURCE), "INVALID_ARGUMENT", "resource"),
        (lambda: of_type(types_pb2.DT_RESOURCE_REF), "INVALID_ARGUMENT", "resource"),
        (lambda: of_type(999), "INVALID_ARGUMENT", "999"),
        (lambda: request([""] * 300_000), "RESOURCE_EXHAUSTED", "more than 262144 texts"),
        (too_many_filters, "RESOURCE_EXHAUSTED", "more than 262144 texts"),
        (too_many_dimensions, "RESOURCE_EXHAUSTED", "more than 262144 texts"),
        (too_large_a_shape_of_nothing, "INVALID_ARGUMENT", "too big"),
        (lambda: request(model="x" * 1_000_000), "NOT_FOUND", "Latest(xxx"),
        (too_few_strings, "INVALID_ARGUMENT", "do not fill the shape"),
    ],
)
def test_refusals(server, asked, code, said):
    error = refusal(server.prediction().Predict, asked())
    assert error.code().name == code
    assert said in error.details()


def test_an_output_named_many_times_is_answered_once(server):
    asked = request(["a"])
    asked.output_filter.extend(["label"] * 1_000)
    assert list(server.prediction().Predict(asked, timeout=20).outputs) == ["label"]


def test_bytes_that_are_not_utf8(server, tiny):
    raw = b"caf\xe9 \xff\xfe"
    response = server.prediction().Predict(request([raw]), timeout=20)
    wanted = expected(tiny / "2", [raw])["probabilities"]
    got = tf.make_ndarray(response.outputs["probabilities"])
    np.testing.assert_allclose(got, wanted, atol=1e-6)


def test_metadata(server):
    asked = get_model_metadata_pb2.GetModelMetadataRequest()
    asked.model_spec.name = "both"
    asked.metadata_field.append("signature_def")
    response = server.prediction().GetModelMetadata(asked, timeout=20)
    assert response.model_spec.version.value == 2
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    inputs = signatures.signature_def["serving_default"].inputs
    assert inputs["text"].dtype == tf.string.as_datatype_enum
    asked.metadata_field[0] = "x"
    error = refusal(server.prediction().GetModelMetadata, asked)
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_status(server):
    asked = get_model_status_pb2.GetModelStatusRequest()
    asked.model_spec.name = "both"
    response = server.models().GetModelStatus(asked, timeout=20)
    states = get_model_status_pb2.ModelVersionStatus.State
    assert [(entry.version, entry.state) for entry in response.model_version_status] == [
        (2, states.AVAILABLE),
        (1, states.AVAILABLE),
    ]
    asked.model_spec.name = "none"
    assert refusal(server.models().GetModelStatus, asked).code() == grpc.StatusCode.NOT_FOUND


def test_a_reload_without_models_is_refused(server):
    asked = model_management_pb2.ReloadConfigRequest()
    error = refusal(server.models().HandleReloadConfigRequest, asked)
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("Classify", classification_pb2.ClassificationRequest()),
        ("Regress", regression_pb2.RegressionRequest()),
        ("MultiInference", inference_pb2.MultiInferenceRequest()),
    ],
)
def test_what_takes_tf_example_is_not_supported(server, method, message):
    error = refusal(getattr(server.prediction(), method), message)
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED
