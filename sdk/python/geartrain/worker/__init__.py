"""Runs handlers for steps that are taken from a node. `python -m geartrain.worker` is the command line."""

from .worker import Worker, default_worker_id

__all__ = ["Worker", "default_worker_id"]
