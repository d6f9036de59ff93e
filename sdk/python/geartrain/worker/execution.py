"""Runs one step and says how it ended."""

from __future__ import annotations

import inspect
import json
import logging
import time
from typing import Any, Mapping

from ..context import Context
from ..handlers import Registry
from ..outcomes import no_op_result
from ..results import HANDLER_ERROR, CheckpointYield, Failure, Outcome, Success, failure_of, to_item
from .heartbeat import Heartbeats, Lease

log = logging.getLogger("geartrain.worker")


class Report:
    """The result of a run, encoded once, kept until a node has answered it."""

    __slots__ = ("step_uuid", "lease_token", "item", "is_substitute")

    def __init__(self, step_uuid: str, lease_token: str, item: str, is_substitute: bool = False) -> None:
        self.step_uuid = step_uuid
        self.lease_token = lease_token
        self.item = item
        self.is_substitute = is_substitute

    def substitute(self, reason: str) -> "Report":
        """What to say instead when the node cannot take the result: another run would make the same one."""
        outcome = Failure(f"the node refused the result: {reason}", "invalid_result", False)
        return Report(self.step_uuid, self.lease_token, to_item(self.step_uuid, self.lease_token, outcome, {}), True)


def execute(step: Mapping[str, Any], registry: Registry, heartbeats: Heartbeats) -> Report:
    """Runs the handler of `step` under a renewed lease. Never raises for what the handler does."""
    context = Context(step)
    lease = Lease(step, context)
    context.keep_checkpoints_by(lambda checkpoint: heartbeats.save(lease, checkpoint))
    heartbeats.add(lease)
    started = time.monotonic()
    try:
        outcome = invoke(registry, context)
    finally:
        heartbeats.remove(lease)
    elapsed = round((time.monotonic() - started) * 1000)
    return Report(
        lease.step_uuid, lease.token, to_item(lease.step_uuid, lease.token, outcome, {"execution_time_ms": elapsed})
    )


def invoke(registry: Registry, context: Context) -> Outcome:
    """Calls the handler of a step and turns what it returns or raises into an outcome."""
    if context.is_no_op:
        return no_op_result()  # the placeholder of an empty batch has nothing to handle
    try:
        target = registry.resolve(context.handler_name, context.handler_method)
        if isinstance(target, Failure):
            log.error("step %s (%s): %s", context.step_name, context.step_uuid, target.message)
            return target
        value = target(context)
        if isinstance(value, (Success, Failure, CheckpointYield)):
            return value
        if inspect.iscoroutine(value):
            value.close()
            return Failure("the handler returned a coroutine; handlers run in threads", HANDLER_ERROR, False)
        return Success(value)
    except BaseException as error:  # also SystemExit: a handler must not end the thread that runs it
        log.info("step %s (%s) failed, attempt %d: %r", context.step_name, context.step_uuid, context.attempt, error)
        return _failure_of(error)


def _failure_of(error: BaseException) -> Failure:
    try:
        return failure_of(error)
    except Exception:  # an exception whose own text cannot be made
        return Failure(f"an exception of type {type(error).__name__} without a text", type(error).__name__)


def results_member(reports: "list[Report]") -> str:
    """The member `results` of a request."""
    return '"results":[' + ",".join(report.item for report in reports) + "]"


def results_body(worker_id: str, reports: "list[Report]") -> bytes:
    """The body of a call that only delivers."""
    return f'{{"worker_id":{json.dumps(worker_id)},{results_member(reports)}}}'.encode("utf-8")
