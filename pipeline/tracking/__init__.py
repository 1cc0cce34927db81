"""MLflow: one run per training job, and the registry of models."""

from pipeline.tracking.run import Run, Silent, catch_up, open_run, reopen

__all__ = ["Run", "Silent", "catch_up", "open_run", "reopen"]
