"""Which TensorFlow Serving knows the ops of an exported model.

A server loads a SavedModel only if every op in it was linked into the server. TF Serving R is built
from TensorFlow R, and links the tensorflow-text that its `tensorflow_serving/workspace.bzl` names:
2.12.1 for TF Serving 2.12 to 2.18 (https://github.com/tensorflow/serving/pull/4057), 2.20.0 for TF
Serving 2.20. The two lists below are the differences of the ops that the packages of those releases
register; ops for TPUs and of XLA are left out, for no export has them.

What this cannot see: an attribute that an old op got later, and a kernel that a server was built
without. Loading the export on the runtime that a server links shows both: run
`python -m pipeline.publishing.verify` with requirements-serving-runtime.txt.
"""

from pathlib import Path
from typing import Any

from pipeline.errors import JobError

TARGET = "2.20"  # of the image in compose.yaml
OLDEST = "2.12"  # tensorflow 2.12.1, tensorflow-text 2.12.1; nothing older was looked at

NEW_IN_2_20 = """
    CalibrationStatisticsSaver CheckPinned CollectiveAllToAllV2 Conv DatasetFingerprint
    DebugIdentityV3 DecodeWebP DumpTensor FFTND GlobalIterId GlobalShuffleDataset IFFTND IRFFTND
    IndexFlatMapDataset IteratorGetModelProto ListSnapshotChunksDataset RFFTND RaggedFillEmptyRows
    RaggedFillEmptyRowsGrad RelayoutLike SegmentMaxV2 SegmentMinV2 SnapshotChunkDataset
    SparseSegmentMeanGradV2 SparseSegmentSqrtNGradV2 SparseSegmentSumGradV2 StochasticCastToInt
    TFRecordDatasetV2 TFText>RoundRobinGenerateMasks TFText>RoundRobinTrim TFText>Utf8Binarize
    WeightedFlatMapDataset
"""
NEW_IN_2_21 = "DecodeJxl"
ADDED = {"2.20": NEW_IN_2_20.split(), "2.21": NEW_IN_2_21.split()}


def report(export_dir: Path) -> dict[str, Any]:
    """What ops.json says: the oldest TF Serving for the whole export and for each op in it.

    Raises:
        JobError: the server that this project targets lacks one of them.
    """
    ops = served_by(used_ops(export_dir))
    newest = max(ops.values(), key=_number)
    return {"tf_serving": newest, "oldest_looked_at": OLDEST, "ops": ops}


def used_ops(export_dir: Path) -> list[str]:
    """The names of all ops in a SavedModel's graph and in the functions that it calls, sorted."""
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((export_dir / "saved_model.pb").read_bytes())
    graphs = [meta_graph.graph_def for meta_graph in saved.meta_graphs]
    functions = [function for graph in graphs for function in graph.library.function]
    nodes = [node for graph in graphs for node in graph.node]
    nodes += [node for function in functions for node in function.node_def]
    return sorted({n.op for n in nodes} - {function.signature.name for function in functions})


def oldest_serving(op: str) -> str:
    """The oldest release of TF Serving, of those looked at, that knows the op."""
    return next((release for release, ops in ADDED.items() if op in ops), OLDEST)


def served_by(ops: list[str]) -> dict[str, str]:
    oldest = {op: oldest_serving(op) for op in ops}
    missing = [op for op, release in oldest.items() if _number(release) > _number(TARGET)]
    if missing:
        raise JobError(
            f"TF Serving {TARGET} does not know {', '.join(missing)}, so it could not load this"
            " model: leave out the layer or the cleaning step that uses it, or serve with a newer"
            " release and raise TARGET in pipeline/publishing/serving_ops.py"
        )
    return oldest


def _number(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))
