"""What a handler sees of its step."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence

from . import outcomes
from .outcomes import BatchAggregation, BatchCursor, Cursor
from .results import CheckpointYield, Success, checkpoint_yield

DEFAULT_MAX_ATTEMPTS = 3


class Context:
    """One run of one step. Belongs to the thread that runs the handler; the flags about the lease are set from others.

    `Context(step)` with a step as `POST /v1/workers/poll` answers it works without a node, which is how handlers are
    tested.
    """

    def __init__(self, step: Mapping[str, Any]) -> None:
        self.raw: Mapping[str, Any] = step
        task = step.get("task") or {}
        handler = step.get("handler") or {}

        self.step_uuid: str = step.get("step_uuid", "")
        self.task_uuid: str = step.get("task_uuid", "")
        self.step_name: str = step.get("name", "")
        self.template_step_name: str = step.get("template_step_name") or self.step_name
        self.namespace: str = step.get("namespace", "")
        self.template_name: str = step.get("template_name", "")
        self.template_version: str = step.get("template_version", "")
        self.handler_name: str = handler.get("callable", "")
        self.handler_method: str = handler.get("method") or "call"

        self.correlation_id: str = step.get("correlation_id", "")
        self.parent_correlation_id: Optional[str] = step.get("parent_correlation_id")
        self.traceparent: Optional[str] = step.get("traceparent")

        self.input_data: Dict[str, Any] = task.get("context") or {}
        self.step_inputs: Dict[str, Any] = step.get("inputs") or {}
        self.step_config: Dict[str, Any] = handler.get("initialization") or {}
        self.dependency_results: Dict[str, Any] = step.get("dependency_results") or {}
        self.previous_error: Optional[Dict[str, Any]] = step.get("previous_error")
        self.checkpoint: Optional[Dict[str, Any]] = step.get("checkpoint")

        self.priority: int = task.get("priority") or 0
        self.tags: List[str] = task.get("tags") or []
        self.initiator: Optional[str] = task.get("initiator")
        self.source_system: Optional[str] = task.get("source_system")
        self.reason: Optional[str] = task.get("reason")
        self.requested_at: Optional[str] = task.get("requested_at")

        self.attempt: int = step.get("attempt") or 1
        """Counts from 1."""
        max_attempts = step.get("max_attempts")
        self.max_attempts: int = DEFAULT_MAX_ATTEMPTS if max_attempts is None else max_attempts
        self.timeout_seconds: Optional[float] = step.get("timeout_seconds")
        """What the template allows one attempt to take; the node gives the attempt up after that."""

        self._started = time.monotonic()
        self._lost = False
        self._cancelled = False
        self._stop = threading.Event()
        # Set by the worker: makes a checkpoint durable; false when the lease is gone.
        self._keep: Optional[Callable[[Dict[str, Any]], bool]] = None

    # -- input -----------------------------------------------------------------

    def get_input(self, key: str) -> Any:
        """A value of the task's context; None when there is none."""
        return self.input_data.get(key)

    def get_input_or(self, key: str, default: Any) -> Any:
        """A value of the task's context; `default` when there is none or it is null."""
        value = self.input_data.get(key)
        return default if value is None else value

    def get_config(self, key: str) -> Any:
        """A value of the template's `handler.initialization`; None when there is none."""
        return self.step_config.get(key)

    # -- results of the steps before -------------------------------------------

    def get_dependency_result(self, step: str) -> Any:
        """The result of a finished step before this one, at any distance; None when there is none."""
        value = self.dependency_results.get(step)
        return value.get("result") if isinstance(value, dict) else None

    def get_dependency_field(self, step: str, *path: Any) -> Any:
        """A field inside the result of `step`. `path` holds keys of objects and indices of arrays; a dotted string is not
        taken apart. None when any part of the way is missing."""
        value = self.get_dependency_result(step)
        for part in path:
            if isinstance(value, dict) and part in value:
                value = value[part]
            elif isinstance(value, list) and isinstance(part, int) and -len(value) <= part < len(value):
                value = value[part]
            else:
                return None
        return value

    def get_dependency_result_keys(self) -> List[str]:
        """Names of the steps with a result, sorted."""
        return sorted(self.dependency_results)

    def get_all_dependency_results(self, prefix: str = "") -> List[Any]:
        """The results of all steps whose name starts with `prefix`, in the order of their names. Steps that have none (such
        as failed batch workers) are left out; `dependency_results` shows them."""
        found = (self.dependency_results[name] for name in sorted(self.dependency_results) if name.startswith(prefix))
        return [value["result"] for value in found if isinstance(value, dict) and "result" in value]

    # -- attempts --------------------------------------------------------------

    @property
    def retry_count(self) -> int:
        """Attempts before this one."""
        return self.attempt - 1

    @property
    def max_retries(self) -> int:
        """Attempts that the step may take in all."""
        return self.max_attempts

    def is_retry(self) -> bool:
        """True from the second attempt on."""
        return self.retry_count > 0

    def is_last_retry(self) -> bool:
        """True when no attempt follows a failure of this one."""
        return self.retry_count >= self.max_retries - 1

    # -- checkpoint ------------------------------------------------------------

    def has_checkpoint(self) -> bool:
        """True when an earlier run of this step left progress."""
        return self.checkpoint is not None

    @property
    def checkpoint_cursor(self) -> Any:
        """Where the earlier run stopped; None without a checkpoint."""
        return (self.checkpoint or {}).get("cursor")

    @property
    def checkpoint_items_processed(self) -> int:
        """What the earlier runs got done; 0 without a checkpoint."""
        return (self.checkpoint or {}).get("items_processed") or 0

    @property
    def accumulated_results(self) -> Any:
        """What the earlier run kept; None without a checkpoint."""
        return (self.checkpoint or {}).get("accumulated_results")

    def checkpoint_yield(self, cursor: Any, items_processed: int = 0, accumulated_results: Any = None) -> CheckpointYield:
        """To be returned: ends this run, keeps the progress, and lets the step come back with the same attempt."""
        return checkpoint_yield(cursor, items_processed, accumulated_results)

    def save_checkpoint(self, cursor: Any, items_processed: int = 0, accumulated_results: Any = None) -> bool:
        """Keeps the progress and goes on: after a crash or a failure the next attempt starts here. It is durable when
        this returns. False when the lease is gone, and with it the need to go on. Raises CheckpointError when the node
        cannot be reached. Costs a request: once in a second or a hundred items is enough."""
        checkpoint = {"cursor": cursor, "items_processed": items_processed, "accumulated_results": accumulated_results}
        if self._keep is not None and not self._keep(checkpoint):
            return False
        self.checkpoint = checkpoint
        return not self._lost

    # -- decisions ---------------------------------------------------------------

    def create_steps(self, step_names: Iterable[str], routing_context: Any = None) -> Success:
        """To be returned by a decision: these steps come into being, and what follows from them."""
        return outcomes.create_steps(step_names, routing_context)

    def no_branches(self, reason: Any = None) -> Success:
        """To be returned by a decision: nothing more comes into being."""
        return outcomes.no_branches(reason)

    # -- batches -----------------------------------------------------------------

    def create_batches(
        self,
        cursors: Sequence[Cursor],
        worker_template: Optional[str] = None,
        total_items: Optional[int] = None,
        result: Optional[Mapping[str, Any]] = None,
    ) -> Success:
        """To be returned by a batchable step: one worker for each cursor. The worker's step is named by the argument or by
        `worker_template_name` in the step's configuration."""
        worker = worker_template or self.get_config("worker_template_name") or ""
        return outcomes.create_batches(cursors, worker, total_items, result)

    def no_batches(self, reason: Any = None) -> Success:
        """To be returned by a batchable step: there is nothing to do."""
        return outcomes.no_batches(reason)

    @property
    def batch_cursor(self) -> Optional[BatchCursor]:
        """What this batch worker has to do; None for other steps."""
        cursor = self.step_inputs.get("cursor")
        if not isinstance(cursor, dict) or "batch_id" not in cursor:
            return None
        return BatchCursor(cursor["batch_id"], cursor.get("start_cursor"), cursor.get("end_cursor"), cursor.get("batch_size", 0))

    @property
    def batch_metadata(self) -> Dict[str, Any]:
        """`cursor_field` and `failure_strategy` of the batch; empty for other steps."""
        return self.step_inputs.get("batch_metadata") or {}

    @property
    def is_no_op(self) -> bool:
        """True for the placeholder of an empty batch."""
        return self.batch_cursor is not None and self.step_inputs.get("is_no_op") is True

    def aggregate_batches(self, worker_template: str) -> BatchAggregation:
        """For the step that joins a batch: what its workers made, and which of them failed."""
        return outcomes.aggregate(self.dependency_results, worker_template)

    # -- is this run still wanted? ---------------------------------------------

    @property
    def cancelled(self) -> bool:
        """The step or its task was cancelled. The result of this run will not be applied."""
        return self._cancelled

    def is_lost(self) -> bool:
        """The lease is gone: it expired, timed out, or was cancelled. The result of this run will not be applied."""
        return self._lost

    def should_stop(self) -> bool:
        """The lease is gone, or the worker is about to exit without waiting any longer. Long handlers ask now and then."""
        return self._stop.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleeps, but no longer than the run is wanted. True when it should stop."""
        return self._stop.wait(seconds)

    def remaining_seconds(self) -> Optional[float]:
        """What is left of `timeout_seconds`; None without a limit."""
        if self.timeout_seconds is None:
            return None
        return max(0.0, self.timeout_seconds - (time.monotonic() - self._started))

    def mark_lost(self, *, cancelled: bool = False) -> None:
        """Called by the worker when the node says that the lease is gone."""
        self._cancelled = self._cancelled or cancelled
        self._lost = True
        self._stop.set()

    def keep_checkpoints_by(self, keep: Callable[[Dict[str, Any]], bool]) -> None:
        """Called by the worker: how `save_checkpoint` reaches the node. Without it the checkpoint stays here."""
        self._keep = keep

    def mark_stopping(self) -> None:
        """Called by the worker when it will not wait for this run any longer."""
        self._stop.set()
