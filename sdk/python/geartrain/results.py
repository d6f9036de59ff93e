"""What a handler may return, and how it looks on the wire.

A plain return value is a success with that value as its result. `success`, `failure` and `checkpoint_yield` say more.
"""

from __future__ import annotations

import json
import math
import traceback
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Union

from .encoding import EncodingError, clean_text, encode, encode_or_describe
from .errors import StepError

HANDLER_ERROR = "handler_error"
HANDLER_NOT_FOUND = "handler_not_found"
SERIALIZATION_ERROR = "FFI_SERIALIZATION_ERROR"

_MAX_FRAMES = 50


@dataclass(frozen=True)
class Success:
    """A finished step: any JSON value, and notes about the run."""

    result: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """A failed attempt. `retry_after` is in seconds; None leaves the delay to the node."""

    message: str
    error_type: str = HANDLER_ERROR
    retryable: bool = True
    error_code: Optional[str] = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    status_code: Optional[int] = None
    context: Mapping[str, Any] = field(default_factory=dict)
    retry_after: Optional[float] = None
    backtrace: Optional[List[str]] = None


@dataclass(frozen=True)
class CheckpointYield:
    """Ends this run, keeps the progress, and lets the step come back with the same attempt number."""

    cursor: Any
    items_processed: int = 0
    accumulated_results: Any = None


Outcome = Union[Success, Failure, CheckpointYield]


def success(result: Any = None, metadata: Optional[Mapping[str, Any]] = None) -> Success:
    """A success. `metadata` is kept beside the result."""
    return Success(result, dict(metadata or {}))


def failure(
    message: str,
    error_type: str = HANDLER_ERROR,
    retryable: bool = True,
    error_code: Optional[str] = None,
    metadata: Optional[Mapping[str, Any]] = None,
    *,
    status_code: Optional[int] = None,
    context: Optional[Mapping[str, Any]] = None,
    retry_after: Optional[float] = None,
) -> Failure:
    """A failure without an exception."""
    return Failure(
        message, error_type, retryable, error_code, dict(metadata or {}), status_code, dict(context or {}), retry_after
    )


def checkpoint_yield(cursor: Any, items_processed: int = 0, accumulated_results: Any = None) -> CheckpointYield:
    """Progress to be kept: the next run finds it in the context's checkpoint."""
    return CheckpointYield(cursor, items_processed, accumulated_results)


def failure_of(error: BaseException) -> Failure:
    """The failure that an exception of a handler means."""
    lines = _backtrace(error)
    if isinstance(error, StepError):
        return Failure(
            str(error), error.error_type, error.retryable, error.error_code, {}, error.status_code, error.context,
            error.retry_after, lines,
        )
    name = type(error).__name__
    return Failure(str(error) or name, name, True, backtrace=lines)


def _backtrace(error: BaseException) -> List[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    lines = [f"{frame.filename}:{frame.lineno} in {frame.name}: {frame.line or ''}".rstrip(": ") for frame in frames]
    return [clean_text(line, 512) for line in lines]


def to_item(step_uuid: str, lease_token: str, outcome: Outcome, run: Mapping[str, Any]) -> str:
    """JSON text of one item of `results`. `run` is metadata about the run. A value that is not JSON makes the item a
    permanent failure: running the same code again would give the same value."""
    head = f'{{"step_uuid":{json.dumps(step_uuid)},"lease_token":{json.dumps(lease_token)},'
    try:
        if isinstance(outcome, Success):
            metadata = {**run, "custom": outcome.metadata} if outcome.metadata else run
            return f'{head}"success":true,"result":{encode(outcome.result)},"metadata":{encode(metadata)}}}'
        if isinstance(outcome, CheckpointYield):
            return f'{head}"checkpoint_yield":{encode(_checkpoint_of(outcome))}}}'
    except EncodingError as error:
        outcome = Failure(f"the result is not JSON: {error}", SERIALIZATION_ERROR, False)
    return head + _failure_members(outcome, run) + "}"


def _checkpoint_of(outcome: CheckpointYield) -> Dict[str, Any]:
    return {
        "cursor": outcome.cursor,
        "items_processed": outcome.items_processed,
        "accumulated_results": outcome.accumulated_results,
    }


def _failure_members(outcome: Failure, run: Mapping[str, Any]) -> str:
    error = {
        "message": clean_text(str(outcome.message)),
        "error_type": clean_text(str(outcome.error_type), 255),
        "retryable": bool(outcome.retryable),
        "status_code": outcome.status_code if isinstance(outcome.status_code, int) else None,
        "backtrace": outcome.backtrace or [],
    }
    metadata = {
        **run,
        "error_code": None if outcome.error_code is None else clean_text(str(outcome.error_code), 255),
        "error_type": error["error_type"],
        "retryable": error["retryable"],
    }
    members = (
        f'"success":false,"error":{encode(error)[:-1]},"context":{encode_or_describe(dict(outcome.context))}}},'
        f'"metadata":{encode(metadata)[:-1]},"custom":{encode_or_describe(dict(outcome.metadata))}}}'
    )
    if outcome.retryable and outcome.retry_after is not None and math.isfinite(outcome.retry_after):
        members += f',"orchestration_metadata":{encode(_delay_of(outcome.retry_after))}'
    return members


def _delay_of(retry_after: float) -> Dict[str, Any]:
    seconds = max(0.0, float(retry_after))
    exact = int(seconds) if seconds.is_integer() else seconds
    hint = {"backoff_type": "ServerRequested", "delay_seconds": exact}
    # The header counts whole seconds, so a finer wish is said by the hint alone.
    headers = {"Retry-After": str(exact)} if isinstance(exact, int) else {}
    return {"headers": headers, "backoff_hint": hint}
