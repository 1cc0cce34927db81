"""The cheapest clients there are, so that a load test measures the server and not its client."""

import http.client
import json
from collections.abc import Callable, Sequence

Send = Callable[[int], None]


class Failure(Exception):
    """No answer; the text names the kind of error."""


def sender(kind: str, address: str, model: str, texts: Sequence[str], timeout: float) -> Send:
    """A client with a connection of its own: `send(turn)` asks for one text and awaits the answer.

    Raises (on sending):
        Failure: an error status, a broken connection, or no answer in time.
    """
    make = {"rest": _rest, "grpc": _grpc}[kind]
    return make(address, model, texts, timeout)


def _rest(address: str, model: str, texts: Sequence[str], timeout: float) -> Send:
    connection = http.client.HTTPConnection(address, timeout=timeout)
    bodies = [json.dumps({"instances": [text]}).encode() for text in texts]
    path = f"/v1/models/{model}:predict"

    def send(turn: int) -> None:
        try:
            connection.request("POST", path, bodies[turn % len(bodies)])
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()  # the next request opens another one
            raise Failure(type(error).__name__) from error
        if response.status != 200:
            raise Failure(f"HTTP {response.status} {response.reason}")

    return send


def _grpc(address: str, model: str, texts: Sequence[str], timeout: float) -> Send:
    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    options = [("grpc.use_local_subchannel_pool", 1)]  # or all clients would share one connection
    stub = prediction_service_pb2_grpc.PredictionServiceStub(
        grpc.insecure_channel(address, options=options)
    )
    requests = []
    for text in texts:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = model
        request.inputs["text"].dtype = 7  # DT_STRING
        request.inputs["text"].tensor_shape.dim.add(size=1)
        request.inputs["text"].string_val.append(text.encode())
        requests.append(request)

    def send(turn: int) -> None:
        try:
            stub.Predict(requests[turn % len(requests)], timeout=timeout)
        except grpc.RpcError as error:
            raise Failure(f"gRPC {error.code().name}") from error

    return send
