"""What the machine does while a job trains: MLflow's figures, by MLflow's names.

MLflow's own monitor asks the store at each sample, stops for good when it does not answer, and
lets the job wait for it at the end.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from mlflow.environment_variables import MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL
from mlflow.system_metrics.metrics.base_metrics_monitor import BaseMetricsMonitor
from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

SECONDS = 5
PREFIX = "system/"


class SystemMetrics:
    """Args: log, `Run.metrics`; step, of the first sample."""

    def __init__(self, log: Callable[[int, Mapping[str, float]], None], step: int) -> None:
        self.log, self.step = log, step
        self.monitors: list[BaseMetricsMonitor] = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]
        with suppress(Exception):  # whatever it raises where there is no GPU
            self.monitors.append(GPUMonitor())
        self.seconds = MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL.get() or SECONDS
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._sample, daemon=True, name="system-metrics")
        self.thread.start()

    def finish(self) -> None:
        self.ends.set()
        self.thread.join()

    def _sample(self) -> None:
        while not self.ends.wait(self.seconds):
            figures: dict[str, float] = {}
            for monitor in self.monitors:
                monitor.collect_metrics()
                figures |= monitor.aggregate_metrics()
                monitor.clear_metrics()
            self.log(self.step, {PREFIX + name: value for name, value in figures.items()})
            self.step += 1
