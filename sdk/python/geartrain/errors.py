"""What a handler raises to say how its failure is to be treated.

Any other exception counts as a retryable failure whose type is the name of its class.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional


class StepError(Exception):
    """Base of the errors below; `retryable` and `error_type` go to the node as they stand."""

    error_type = "handler_error"
    retryable = True

    def __init__(
        self,
        message: str = "",
        *,
        error_code: Optional[str] = None,
        status_code: Optional[int] = None,
        context: Optional[Mapping[str, Any]] = None,
    ) -> None:
        super().__init__(message or type(self).__name__)
        self.error_code = error_code
        self.status_code = status_code
        self.context = dict(context or {})
        self.retry_after: Optional[float] = None


class RetryableError(StepError):
    """Another attempt may succeed. `retry_after` (seconds) replaces the back-off that the node would compute."""

    error_type = "retryable_error"
    retryable = True

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: Optional[float] = None,
        error_code: Optional[str] = None,
        status_code: Optional[int] = None,
        context: Optional[Mapping[str, Any]] = None,
    ) -> None:
        super().__init__(message, error_code=error_code, status_code=status_code, context=context)
        self.retry_after = retry_after


class PermanentError(StepError):
    """No further attempt can succeed: the step fails for good."""

    error_type = "permanent_error"
    retryable = False


class ValidationError(PermanentError):
    """The input is wrong."""

    error_type = "validation_error"


class NotFoundError(PermanentError):
    """Something that the step needs does not exist."""

    error_type = "not_found"


class StepTimeoutError(RetryableError):
    """Something took too long. Exported as `geartrain.TimeoutError` too, but never by a star import,
    so that it does not hide the built-in of that name."""

    error_type = "timeout"


class NetworkError(RetryableError):
    """A connection could not be made or broke."""

    error_type = "network_error"


class CheckpointError(RetryableError):
    """A checkpoint could not be made durable. The next attempt starts from the last one that was."""

    error_type = "checkpoint_error"


class ApiError(Exception):
    """A node refused a request of the client, or gave no usable answer (then `status` is 0)."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Any = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}" if status else f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.retry_after = retry_after
