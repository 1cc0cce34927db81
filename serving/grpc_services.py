"""TF Serving's gRPC API: PredictionService and ModelService, on the official stubs.

Classify, Regress and MultiInference take tf.Example, which no textmill export does; they answer
UNIMPLEMENTED, as the generated classes do by themselves.
"""

from functools import wraps

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataResponse
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigResponse
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictResponse

from pipeline.errors import JobError
from serving.admission import Admission
from serving.answers import metadata, spec, status
from serving.aside import Aside
from serving.batching import Arrays
from serving.saved_model import DEFAULT_SIGNATURE, Signature
from serving.settings import model_list
from serving.status import RequestError, invalid
from serving.tensors import from_proto, to_proto, value_count
from serving.versions import Models


def _refusing(work):
    """A method of a service whose RequestErrors end the call with their code and message."""

    @wraps(work)
    async def method(self, request, context):
        try:
            return await work(self, request, context)
        except RequestError as error:
            refusal = error.code, error.message
        # gRPC keeps the exception that `abort` raises, which leads to this frame: without this a
        # refused request would stay in memory until the cycle collector comes by.
        del request
        await context.abort(*refusal)

    return method


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Args: most_values, that a request may hold."""

    def __init__(self, models: Models, admission: Admission, aside: Aside, most_values: int):
        self.models, self.admission, self.aside = models, admission, aside
        self.most_values = most_values

    @_refusing
    async def Predict(self, request, context) -> PredictResponse:
        name = request.model_spec.name
        label, seconds = self.models.metric_label(name), context.time_remaining()
        async with self.admission.request(label, "GRPC", seconds) as hold:
            hold(size := request.ByteSize())
            version = self.models.find(*_asked(request.model_spec))
            with version.in_use() as loaded:
                wanted = request.model_spec.signature_name or DEFAULT_SIGNATURE
                signature = loaded.signatures.get(wanted)
                if signature is None:
                    raise RequestError(
                        grpc.StatusCode.FAILED_PRECONDITION,
                        f'Serving signature key "{wanted}" not found.',
                    )
                self._check(request, signature)
                inputs = await self.aside(size, _arrays, request.inputs)
                outputs = await version.predict(signature, inputs)
            wanted_outputs = list(request.output_filter) or signature.outputs
            chosen = {output: outputs[output] for output in wanted_outputs}
            size = sum(value.nbytes for value in chosen.values())
            return await self.aside(size, _response, spec(name, version.number, wanted), chosen)

    def _check(self, request, signature: Signature) -> None:
        """Raises: RequestError: too many values, or inputs or outputs that there are not."""
        count = len(request.inputs) + len(request.output_filter)
        if count <= self.most_values:
            signature.check_names(request.inputs)
            count += sum(map(value_count, request.inputs.values()))
        if count > self.most_values:
            message = f"the request holds more than {self.most_values} texts and numbers"
            raise RequestError(grpc.StatusCode.RESOURCE_EXHAUSTED, message)
        for output in request.output_filter:
            if output not in signature.outputs:
                raise invalid(
                    f"output tensor alias not found in signature: {output} Outputs expected"
                    f" to be in the set {{{','.join(signature.outputs)}}}."
                )

    @_refusing
    async def GetModelMetadata(self, request, context) -> GetModelMetadataResponse:
        if list(request.metadata_field) != ["signature_def"]:
            got = ", ".join(request.metadata_field) or "none"
            raise invalid(f"metadata_field must be signature_def, got {got}")
        model_spec, signatures = metadata(self.models, *_asked(request.model_spec))
        response = GetModelMetadataResponse(model_spec=model_spec)
        response.metadata["signature_def"].Pack(signatures)
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, models: Models):
        self.models = models

    @_refusing
    async def GetModelStatus(self, request, context) -> GetModelStatusResponse:
        return status(self.models, *_asked(request.model_spec))

    @_refusing
    async def HandleReloadConfigRequest(self, request, context) -> ReloadConfigResponse:
        """Serve these models from now on; answers when they are loaded."""
        try:
            configs = model_list(request.config)
        except JobError as error:
            raise invalid(str(error)) from error
        self.models.configs = {config.name: config for config in configs}
        await self.models.poll()
        for name in self.models.configs:
            self.models.find(name)  # or NOT_FOUND
        return ReloadConfigResponse()


def _arrays(inputs) -> Arrays:
    return {alias: from_proto(proto) for alias, proto in inputs.items()}


def _response(model_spec: ModelSpec, outputs: Arrays) -> PredictResponse:
    response = PredictResponse(model_spec=model_spec)
    for name, value in outputs.items():
        response.outputs[name].CopyFrom(to_proto(value))
    return response


def _asked(model_spec: ModelSpec) -> tuple[str, int | None, str]:
    number = model_spec.version.value if model_spec.HasField("version") else None
    return model_spec.name, number, model_spec.version_label
