"""What both protocols say about the models themselves: the versions' states, the signatures."""

from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.versions import Models


def status(models: Models, name: str, number: int | None, label: str) -> GetModelStatusResponse:
    response = GetModelStatusResponse()
    for version in models.status(name, number, label):
        entry = response.model_version_status.add(version=version.number, state=version.state)
        entry.status.error_code = version.error.code.value[0] if version.error else 0
        entry.status.error_message = version.error.message if version.error else ""
    return response


def metadata(
    models: Models, name: str, number: int | None, label: str
) -> tuple[ModelSpec, SignatureDefMap]:
    version = models.find(name, number, label)
    with version.in_use() as loaded:
        return spec(name, version.number), SignatureDefMap(signature_def=loaded.definitions)


def spec(name: str, number: int, signature_name: str = "") -> ModelSpec:
    spec = ModelSpec(name=name, signature_name=signature_name)
    spec.version.value = number
    return spec
