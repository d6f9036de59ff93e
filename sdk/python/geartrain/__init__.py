"""Workers and client of Geartrain.

>>> from geartrain import Worker, handler, RetryableError
"""

from . import errors as _errors
from .client import FINAL_STATES, Client
from .context import Context
from .errors import (
    ApiError,
    NetworkError,
    NotFoundError,
    PermanentError,
    RetryableError,
    StepError,
    StepTimeoutError,
    ValidationError,
)
from .handlers import Registry, handler
from .results import CheckpointYield, Failure, Success, checkpoint_yield, failure, success
from .worker import Worker

__version__ = "0.1.0"

# Reachable as `geartrain.TimeoutError`, yet not in __all__: a star import must not hide the built-in.
TimeoutError = _errors.StepTimeoutError

__all__ = [
    "ApiError",
    "CheckpointYield",
    "Client",
    "Context",
    "FINAL_STATES",
    "Failure",
    "NetworkError",
    "NotFoundError",
    "PermanentError",
    "Registry",
    "RetryableError",
    "StepError",
    "StepTimeoutError",
    "Success",
    "ValidationError",
    "Worker",
    "checkpoint_yield",
    "failure",
    "handler",
    "success",
]
