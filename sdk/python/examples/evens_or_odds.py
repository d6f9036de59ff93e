"""Handlers of the template evens_or_odds.yaml: a diamond, a decision and a batch."""

from __future__ import annotations

from typing import Any, Dict, List

from geartrain import Context, Success, batch_result, cursor_ranges, handler


@handler("math.collect")
def collect(context: Context) -> Dict[str, Any]:
    return {"numbers": context.get_input("numbers")}


@handler("math.pick")
def pick(context: Context) -> Dict[str, Any]:
    numbers: List[int] = context.get_dependency_field("collect", "numbers")
    return {"numbers": [number for number in numbers if number % 2 == context.get_config("remainder")]}


@handler("math.choose_larger")
def choose_larger(context: Context) -> Success:
    evens, odds = (len(context.get_dependency_field(step, "numbers")) for step in ("pick_evens", "pick_odds"))
    return context.create_steps(["plan_odds" if odds > evens else "plan_evens"], {"evens": evens, "odds": odds})


@handler("math.plan")
def plan(context: Context) -> Success:
    numbers = context.get_dependency_field(context.get_config("of"), "numbers")
    if not numbers:
        return context.no_batches("no numbers")
    return context.create_batches(cursor_ranges(len(numbers), context.get_config("batch_size")))


@handler("math.square_all")
def square_all(context: Context) -> Success:
    cursor = context.batch_cursor
    assert cursor is not None
    mine = context.get_dependency_field(context.get_config("of"), "numbers")[cursor.start : cursor.end]
    return batch_result(len(mine), last_cursor=cursor.end, results={"squares": [number * number for number in mine]})


@handler("math.total")
def total(context: Context) -> Dict[str, Any]:
    """Of the two paths only one exists; the other has no workers."""
    squares: List[int] = []
    workers = 0
    for worker in context.get_config("of"):
        batches = context.aggregate_batches(worker)
        workers += batches.worker_count
        for result in batches.results.values():
            squares += result["results"]["squares"]
    return {"workers": workers, "squares": squares, "sum": sum(squares)}
