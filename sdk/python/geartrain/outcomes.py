"""What decisions, batch analysers and batch workers say: the shapes that a node understands inside a step's result.

A node fails a decision or an analyser for good when its outcome is missing or malformed, so what can be checked here is
checked here, where the mistake is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from .errors import ValidationError
from .results import Success, success

DECISION_OUTCOME = "decision_point_outcome"
BATCH_OUTCOME = "batch_processing_outcome"

_MAX_BATCH_SIZE = 2**32 - 1
_MAX_ERRORS = 100

Cursor = Union[Mapping[str, Any], Tuple[Any, Any]]


@dataclass(frozen=True)
class BatchCursor:
    """The part of a batch that a worker has to do: from `start`, which is included, to `end`, which is not."""

    batch_id: str
    start: Any
    end: Any
    size: int


@dataclass(frozen=True)
class BatchAggregation:
    """What the workers of a batch made, for the step that joins them."""

    no_batches: bool
    """There was nothing to do: the only worker was the placeholder."""
    results: Dict[str, Any] = field(default_factory=dict)
    """By worker, in the order of their names; those that failed are not among them."""
    failures: Dict[str, Any] = field(default_factory=dict)
    """Errors of the workers that failed without stopping the batch, by worker."""

    @property
    def worker_count(self) -> int:
        """Workers that did something; a placeholder does not count."""
        return 0 if self.no_batches else len(self.results) + len(self.failures)

    def total(self, key: str) -> Any:
        """The sum of a field over the results that have it."""
        return sum(result[key] for result in self.results.values() if isinstance(result, dict) and key in result)


# -- decisions -------------------------------------------------------------------


def create_steps(step_names: Iterable[str], routing_context: Any = None) -> Success:
    """A decision for these steps. `routing_context` is kept in the result for those who want to know why."""
    names = [step_names] if isinstance(step_names, str) else list(step_names)
    if not names:
        raise ValidationError("a decision for no step is no_branches()")
    wrong = [name for name in names if not isinstance(name, str) or not name]
    if wrong:
        raise ValidationError(f"not the name of a step: {wrong[0]!r}")
    return _decided({"type": "create_steps", "step_names": names}, routing_context)


def no_branches(reason: Any = None) -> Success:
    """A decision for nothing: the task goes on with what exists."""
    return _decided({"type": "no_branches"}, reason)


def _decided(outcome: Dict[str, Any], routing_context: Any) -> Success:
    result: Dict[str, Any] = {DECISION_OUTCOME: outcome}
    if routing_context is not None:
        result["routing_context"] = routing_context
    return success(result)


# -- batches -----------------------------------------------------------------------


def cursor_ranges(total_items: int, batch_size: int, start: int = 0) -> List[Tuple[int, int]]:
    """Cuts `total_items` numbered items into ranges of `batch_size`; the last one may be shorter."""
    if batch_size < 1:
        raise ValidationError(f"a batch needs at least one item, not {batch_size}")
    end = start + max(0, total_items)
    return [(first, min(first + batch_size, end)) for first in range(start, end, batch_size)]


def create_batches(
    cursors: Sequence[Cursor],
    worker_template: str,
    total_items: Optional[int] = None,
    result: Optional[Mapping[str, Any]] = None,
) -> Success:
    """One worker for each cursor: a pair of start and end, or a map with `start_cursor`, `end_cursor` and optionally
    `batch_id` and `batch_size`. Ids are 001, 002 and so on where none is given. `result` holds further members of the
    step's result."""
    if not cursors:
        raise ValidationError("batches of nothing are no_batches()")
    if not worker_template:
        raise ValidationError("worker_template names no step")
    width = max(3, len(str(len(cursors))))
    configs = [_config(cursor, f"{number:0{width}}") for number, cursor in enumerate(cursors, 1)]
    ids = [config["batch_id"] for config in configs]
    twice = {name for name in ids if ids.count(name) > 1} if len(set(ids)) < len(ids) else set()
    if twice:
        raise ValidationError(f"batch_id {sorted(twice)[0]!r} occurs twice")
    outcome = {
        "type": "create_batches",
        "worker_template_name": worker_template,
        "worker_count": len(configs),
        "cursor_configs": configs,
        "total_items": sum(config["batch_size"] for config in configs) if total_items is None else total_items,
    }
    return success({**(result or {}), BATCH_OUTCOME: outcome})


def no_batches(reason: Any = None) -> Success:
    """Nothing to do: one placeholder worker runs, which a worker of this library answers by itself, and then the join."""
    return success({BATCH_OUTCOME: {"type": "no_batches"}, **({} if reason is None else {"reason": reason})})


def _config(cursor: Cursor, batch_id: str) -> Dict[str, Any]:
    given = dict(cursor) if isinstance(cursor, Mapping) else {"start_cursor": cursor[0], "end_cursor": cursor[1]}
    missing = {"start_cursor", "end_cursor"} - set(given)
    if missing:
        raise ValidationError(f"a cursor without {sorted(missing)[0]}: {cursor!r}")
    start, end = given["start_cursor"], given["end_cursor"]
    counts = isinstance(start, int) and isinstance(end, int)
    size = given.get("batch_size", max(0, end - start) if counts else 0)
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_BATCH_SIZE:
        raise ValidationError(f"batch_size {size!r} is no number of items")
    return {"batch_id": str(given.get("batch_id", batch_id)), "start_cursor": start, "end_cursor": end, "batch_size": size}


def batch_result(
    items_processed: int,
    items_succeeded: Optional[int] = None,
    items_failed: int = 0,
    items_skipped: int = 0,
    last_cursor: Any = None,
    results: Any = None,
    errors: Optional[Sequence[Any]] = None,
) -> Success:
    """What a batch worker reports in the usual shape. At most a hundred errors are kept."""
    body: Dict[str, Any] = {
        "items_processed": items_processed,
        "items_succeeded": items_processed - items_failed - items_skipped if items_succeeded is None else items_succeeded,
        "items_failed": items_failed,
        "items_skipped": items_skipped,
        "last_cursor": last_cursor,
    }
    if results is not None:
        body["results"] = results
    if errors:
        body["errors"] = list(errors)[:_MAX_ERRORS]
    return success(body)


def no_op_result() -> Success:
    """What the placeholder of an empty batch reports."""
    return success({"items_processed": 0, "items_succeeded": 0, "items_failed": 0, "items_skipped": 0, "no_op": True})


def aggregate(dependency_results: Mapping[str, Any], worker_template: str) -> BatchAggregation:
    """Sorts what the workers made of `worker_template` from the dependency results of the step that joins them."""
    prefix = worker_template + "_"
    workers = {name: dependency_results[name] for name in sorted(dependency_results) if name.startswith(prefix)}
    if list(workers) == [prefix + "000"] and _is_no_op(workers[prefix + "000"]):
        return BatchAggregation(True)
    failed = {name: value for name, value in workers.items() if value.get("success") is False}
    results = {name: value.get("result") for name, value in workers.items() if name not in failed}
    return BatchAggregation(not workers, results, {name: value.get("error") for name, value in failed.items()})


def _is_no_op(value: Mapping[str, Any]) -> bool:
    result = value.get("result")
    return not isinstance(result, dict) or result.get("no_op") is True or not result.get("items_processed")
