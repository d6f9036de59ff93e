"""Handlers of the template csv_import.yaml: an analyser, workers with checkpoints, and their join.

The rows are made up from their numbers, so that every worker sees the same file wherever it runs.
"""

from __future__ import annotations

from typing import Any, Dict, Union

from geartrain import CheckpointYield, Context, Success, batch_result, cursor_ranges, handler


def row(number: int) -> Dict[str, Any]:
    """One line of the file."""
    return {"sku": f"SKU-{number:06d}", "cents": 100 + number % 900, "stock": number % 7}


@handler("catalog.analyze_csv")
def analyze_csv(context: Context) -> Success:
    rows = context.get_input("rows")
    if not rows:
        return context.no_batches("the file has no rows")
    return context.create_batches(cursor_ranges(rows, context.get_config("batch_size")))


@handler("catalog.import_rows")
def import_rows(context: Context) -> Union[Success, CheckpointYield]:
    """Imports its rows, from the last checkpoint on if there is one."""
    cursor = context.batch_cursor
    assert cursor is not None
    bad = set(context.get_input_or("bad_rows", []))
    each = context.get_config("checkpoint_each")
    kept = context.accumulated_results or {"cents": 0, "failed": 0}
    number = context.checkpoint_cursor if context.has_checkpoint() else cursor.start
    while number < cursor.end:
        if number in bad:
            kept["failed"] += 1
        else:
            kept["cents"] += row(number)["cents"]
        number += 1
        done = number - cursor.start
        if done % each == 0 and number < cursor.end and not context.save_checkpoint(number, done, kept):
            break  # somebody else has this step now, and will start at the checkpoint
    return batch_result(number - cursor.start, items_failed=kept["failed"], last_cursor=number, results={"cents": kept["cents"]})


@handler("catalog.summarize")
def summarize(context: Context) -> Dict[str, Any]:
    batches = context.aggregate_batches("import_rows")
    return {
        "workers": batches.worker_count,
        "failed_workers": sorted(batches.failures),
        "rows": batches.total("items_processed"),
        "failed_rows": batches.total("items_failed"),
        "cents": sum(result["results"]["cents"] for result in batches.results.values()),
    }
