"""MLflow: one run per training job, and the registry of models."""

from pipeline.tracking.run import LINK, Run, Silent, open_run, reopen

__all__ = ["LINK", "Run", "Silent", "open_run", "reopen"]
