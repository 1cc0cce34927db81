"""Which devices a training job runs on."""

import json
import os
from dataclasses import dataclass
from functools import cache

import tensorflow as tf

from configs.training import Strategy
from pipeline.errors import JobError

MEMBERS = ("chief", "worker")  # of a cluster, those that train


@cache
def strategy(settings: Strategy) -> tf.distribute.Strategy:
    """Make the strategy; call it before anything else uses TensorFlow's devices.

    One process can hold one set of devices, so the same settings give the same object.

    Raises:
        JobError: the devices asked for are not there.
    """
    found = cluster()
    if found and len(found) > 1 and settings.kind in ("one_device", "mirrored"):
        raise JobError(
            f"train.strategy.kind is {settings.kind}, but TF_CONFIG names {len(found)} processes"
            " that train together: set it to multi_worker, or leave TF_CONFIG out"
        )
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    num_gpus = len(tf.config.list_physical_devices("GPU"))
    match settings.kind:
        case "one_device":
            return tf.distribute.OneDeviceStrategy("GPU:0" if num_gpus else "CPU:0")
        case "mirrored":
            return tf.distribute.MirroredStrategy(_mirrored_devices(settings.replicas, num_gpus))
        case "multi_worker":
            return _multi_worker(found)
        case "tpu":
            resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(settings.tpu)
            return tf.distribute.TPUStrategy(resolver)
        case _:
            if found:
                return strategy(settings.model_copy(update={"kind": "multi_worker"}))
            kind = "mirrored" if num_gpus > 1 else "one_device"
            return strategy(settings.model_copy(update={"kind": kind}))


def _mirrored_devices(replicas: int | None, num_gpus: int) -> list[str]:
    if num_gpus:
        if replicas and replicas > num_gpus:
            raise JobError(
                f"train.strategy.replicas asks for {replicas} GPUs, got {num_gpus}: set it to at"
                f" most {num_gpus}"
            )
        return [f"GPU:{i}" for i in range(replicas or num_gpus)]
    replicas = replicas or 2
    cpu = tf.config.list_physical_devices("CPU")[0]
    configurations = [tf.config.LogicalDeviceConfiguration()] * replicas
    if tf.config.get_logical_device_configuration(cpu) != configurations:
        try:
            tf.config.set_logical_device_configuration(cpu, configurations)
        except RuntimeError as error:
            raise JobError(
                f"cannot make {replicas} logical CPUs, TensorFlow has started already: choose the"
                " strategy before any other use of TensorFlow in the process"
            ) from error
    return [f"CPU:{i}" for i in range(replicas)]


@dataclass(frozen=True)
class Cluster:
    """What TF_CONFIG says: the addresses of all that train, by their type, and who this is."""

    members: dict[str, list[str]]
    type: str
    index: int

    def __len__(self) -> int:
        return sum(map(len, self.members.values()))

    @property
    def is_chief(self) -> bool:
        return self.index == 0 and (self.type == "chief" or "chief" not in self.members)


def cluster() -> Cluster | None:
    """The cluster that this process is one of, or None if TF_CONFIG is not set.

    Raises:
        JobError: TF_CONFIG is not what it should be.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return None
    try:
        said = json.loads(text)
        kind, index = str(said["task"]["type"]), int(said["task"]["index"])
        members = {name: list(said["cluster"].get(name, ())) for name in MEMBERS}
        ps = "ps" in said["cluster"]
        if kind not in ("evaluator", "ps"):
            members[kind][index]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise JobError(
            "train.strategy.kind multi_worker reads the addresses of those that train, worker and"
            f" perhaps one chief, from TF_CONFIG, got {text!r}; set it on each of them to"
            ' {"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": N}}'
        ) from error
    if ps:
        raise JobError(
            "TF_CONFIG has tasks of type ps, parameter servers, which textmill does not use: leave"
            " them out of the cluster"
        )
    return Cluster({name: found for name, found in members.items() if found}, kind, index)


def _multi_worker(cluster: Cluster | None) -> tf.distribute.Strategy:
    if cluster is None:
        raise JobError(
            "train.strategy.kind multi_worker reads the addresses of all workers from TF_CONFIG,"
            " which is not set: see docs/multi_worker.md"
        )
    # Without an evaluator, which TensorFlow would wait for.
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(cluster.members),
        task_type=cluster.type,
        task_id=cluster.index,
        rpc_layer="grpc",
    )
    return tf.distribute.MultiWorkerMirroredStrategy(resolver)


def is_chief() -> bool:
    """Whether this process is the one that writes and logs: the chief of a cluster, its first
    worker if there is no chief, or the only process.
    """
    found = cluster()
    return found is None or found.is_chief


def is_evaluator() -> bool:
    """Whether a cluster has this process for evaluation alone, which here the chief does."""
    found = cluster()
    return found is not None and found.type == "evaluator"


def patience(settings: Strategy) -> float | None:
    """How many seconds to wait for what the chief makes; None of the chief itself."""
    return None if is_chief() else settings.wait
