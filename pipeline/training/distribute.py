"""Which devices a training job runs on."""

import json
import os
from functools import cache

import tensorflow as tf

from configs.training import Strategy
from pipeline.errors import JobError


@cache
def strategy(settings: Strategy) -> tf.distribute.Strategy:
    """Make the strategy; call it before anything else uses TensorFlow's devices.

    One process can hold one set of devices, so the same settings give the same object.

    Raises:
        JobError: the devices asked for are not there.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    num_gpus = len(tf.config.list_physical_devices("GPU"))
    match settings.kind:
        case "one_device":
            return tf.distribute.OneDeviceStrategy("GPU:0" if num_gpus else "CPU:0")
        case "mirrored":
            return tf.distribute.MirroredStrategy(_mirrored_devices(settings.replicas, num_gpus))
        case "multi_worker":
            _check_cluster()
            return tf.distribute.MultiWorkerMirroredStrategy()
        case "tpu":
            resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(settings.tpu)
            return tf.distribute.TPUStrategy(resolver)
        case _:
            if "TF_CONFIG" in os.environ:
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


def _check_cluster() -> None:
    text = os.environ.get("TF_CONFIG", "")
    try:
        cluster = json.loads(text)
        cluster["cluster"]["worker"][cluster["task"]["index"]]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise JobError(
            "train.strategy.kind multi_worker reads the workers' addresses from TF_CONFIG, got"
            f" {text!r}; set it on each worker to"
            ' {"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": N}}'
        ) from error


def is_chief() -> bool:
    """Whether this process is the one that writes and logs: the first worker, or the only one."""
    return worker_index() == 0


def worker_index() -> int:
    return int(json.loads(os.environ.get("TF_CONFIG", "{}")).get("task", {}).get("index", 0))
