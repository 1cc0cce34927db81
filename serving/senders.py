"""The cheapest clients there are, so that a load test measures the server and not its client."""

import http.client
import json
from collections.abc import Callable, Sequence

Send = Callable[[int], None]
Row = dict[str, str]  # what a request asks with: texts by the names of their inputs


class Failure(Exception):
    """No answer; the text names the kind of error."""


def sender(kind: str, address: str, model: str, rows: Sequence[Row], timeout: float) -> Send:
    """A client with a connection of its own: `send(turn)` asks with one row and awaits the answer.

    Raises (on sending):
        Failure: an error status, a broken connection, or no answer in time.
    """
    make = {"rest": _rest, "grpc": _grpc}[kind]
    return make(address, model, rows, timeout)


def _rest(address: str, model: str, rows: Sequence[Row], timeout: float) -> Send:
    connection = http.client.HTTPConnection(address, timeout=timeout)
    bodies = [json.dumps({"instances": [row]}).encode() for row in rows]
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


def _grpc(address: str, model: str, rows: Sequence[Row], timeout: float) -> Send:
    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    options = [("grpc.use_local_subchannel_pool", 1)]  # or all clients would share one connection
    stub = prediction_service_pb2_grpc.PredictionServiceStub(
        grpc.insecure_channel(address, options=options)
    )
    requests = []
    for row in rows:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = model
        for name, text in row.items():
            request.inputs[name].dtype = 7  # DT_STRING
            request.inputs[name].tensor_shape.dim.add(size=1)
            request.inputs[name].string_val.append(text.encode())
        requests.append(request)

    def send(turn: int) -> None:
        try:
            stub.Predict(requests[turn % len(requests)], timeout=timeout)
        except grpc.RpcError as error:
            raise Failure(f"gRPC {error.code().name}") from error

    return send
