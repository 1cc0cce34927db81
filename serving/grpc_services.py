"""TF Serving's gRPC API: PredictionService and ModelService, on the official stubs.

Classify, Regress and MultiInference take tf.Example, which no textmill export does; they answer
UNIMPLEMENTED, as the generated classes do by themselves.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
from serving.saved_model import DEFAULT_SIGNATURE
from serving.settings import model_list
from serving.status import RequestError, invalid
from serving.tensors import from_proto, to_proto
from serving.versions import Models


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, models: Models, admission: Admission):
        self.models, self.admission = models, admission

    async def Predict(self, request, context) -> PredictResponse:
        name = request.model_spec.name
        label, seconds = self.models.metric_label(name), context.time_remaining()
        async with _errors(context), self.admission.request(label, "GRPC", seconds):
            version = self.models.find(*_asked(request.model_spec))
            with version.in_use() as loaded:
                wanted = request.model_spec.signature_name or DEFAULT_SIGNATURE
                signature = loaded.signatures.get(wanted)
                if signature is None:
                    raise RequestError(
                        grpc.StatusCode.FAILED_PRECONDITION,
                        f'Serving signature key "{wanted}" not found.',
                    )
                for output in request.output_filter:
                    if output not in signature.outputs:
                        raise invalid(
                            f"output tensor alias not found in signature: {output} Outputs expected"
                            f" to be in the set {{{','.join(signature.outputs)}}}."
                        )
                inputs = {alias: from_proto(proto) for alias, proto in request.inputs.items()}
                outputs = await version.predict(signature, inputs)
            response = PredictResponse(model_spec=spec(name, version.number, wanted))
            for output in request.output_filter or signature.outputs:
                response.outputs[output].CopyFrom(to_proto(outputs[output]))
            return response

    async def GetModelMetadata(self, request, context) -> GetModelMetadataResponse:
        async with _errors(context):
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

    async def GetModelStatus(self, request, context) -> GetModelStatusResponse:
        async with _errors(context):
            return status(self.models, *_asked(request.model_spec))

    async def HandleReloadConfigRequest(self, request, context) -> ReloadConfigResponse:
        """Serve these models from now on; answers when they are loaded."""
        async with _errors(context):
            try:
                configs = model_list(request.config)
            except JobError as error:
                raise invalid(str(error)) from error
            self.models.configs = {config.name: config for config in configs}
            await self.models.poll()
            for name in self.models.configs:
                self.models.find(name)  # or NOT_FOUND
            return ReloadConfigResponse()


@asynccontextmanager
async def _errors(context) -> AsyncIterator[None]:
    try:
        yield
    except RequestError as error:
        await context.abort(error.code, error.message)


def _asked(model_spec: ModelSpec) -> tuple[str, int | None, str]:
    number = model_spec.version.value if model_spec.HasField("version") else None
    return model_spec.name, number, model_spec.version_label
