"""Handlers of the templates flaky_call.yaml and resumed_batch.yaml: attempts, and checkpoints across them."""

from __future__ import annotations

from typing import Any, Dict, Union

from geartrain import CheckpointYield, Context, RetryableError, Success, batch_result, cursor_ranges, handler

USUAL_FAILURES = 2


@handler("demo.call_service")
def call_service(context: Context) -> Dict[str, Any]:
    """Fails its first attempts, as a service that comes back would."""
    if context.attempt <= context.get_input_or("failures", USUAL_FAILURES):
        raise RetryableError(f"the service is away (attempt {context.attempt} of {context.max_attempts})", status_code=503)
    return {"answer": 42, "attempts": context.attempt}


@handler("demo.record")
def record(context: Context) -> Dict[str, Any]:
    return {"recorded": context.get_dependency_field("call_service", "answer")}


@handler("demo.plan")
def plan(context: Context) -> Success:
    items = context.get_input("items")
    return context.create_batches(cursor_ranges(items, items)) if items else context.no_batches()


@handler("demo.process_items")
def process_items(context: Context) -> Union[Success, CheckpointYield]:
    """A slice of items in each run; between the slices the step is given back, with its checkpoint."""
    cursor = context.batch_cursor
    assert cursor is not None
    start = context.checkpoint_cursor if context.has_checkpoint() else cursor.start
    log = context.accumulated_results or {"runs": []}
    if context.attempt == 1 and start - cursor.start >= context.get_input_or("fail_after", 50):
        raise RetryableError(f"interrupted after {start - cursor.start} items")
    end = min(start + context.get_config("checkpoint_each"), cursor.end)
    log["runs"].append({"attempt": context.attempt, "from": start, "to": end})
    if end < cursor.end:
        return context.checkpoint_yield(end, end - cursor.start, log)
    return batch_result(end - cursor.start, last_cursor=end, results=log)


@handler("demo.report")
def report(context: Context) -> Dict[str, Any]:
    batches = context.aggregate_batches("process_items")
    return {"items": batches.total("items_processed"), "runs": [run for result in batches.results.values() for run in result["results"]["runs"]]}
