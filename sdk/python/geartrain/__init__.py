"""Workers and client of Geartrain.

>>> from geartrain import Worker, handler, RetryableError
"""

from . import errors as _errors
from .client import FINAL_STATES, Client
from .context import Context
from .errors import (
    ApiError,
    CheckpointError,
    NetworkError,
    NotFoundError,
    PermanentError,
    RetryableError,
    StepError,
    StepTimeoutError,
    ValidationError,
)
from .handlers import Registry, handler
from .outcomes import (
    BatchAggregation,
    BatchCursor,
    aggregate,
    batch_result,
    create_batches,
    create_steps,
    cursor_ranges,
    no_batches,
    no_branches,
)
from .results import CheckpointYield, Failure, Success, checkpoint_yield, failure, success
from .worker import Worker

__version__ = "0.1.0"

# Reachable as `geartrain.TimeoutError`, yet not in __all__: a star import must not hide the built-in.
TimeoutError = _errors.StepTimeoutError

__all__ = [
    "aggregate",
    "ApiError",
    "batch_result",
    "BatchAggregation",
    "BatchCursor",
    "checkpoint_yield",
    "CheckpointError",
    "CheckpointYield",
    "Client",
    "Context",
    "create_batches",
    "create_steps",
    "cursor_ranges",
    "Failure",
    "failure",
    "FINAL_STATES",
    "handler",
    "NetworkError",
    "no_batches",
    "no_branches",
    "NotFoundError",
    "PermanentError",
    "Registry",
    "RetryableError",
    "StepError",
    "StepTimeoutError",
    "Success",
    "success",
    "ValidationError",
    "Worker",
]
