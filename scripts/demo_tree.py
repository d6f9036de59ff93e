#!/usr/bin/env python3
"""Creates an order-fulfilment task and watches it: the tree of its steps while it runs, then how long each step took and how
many database round trips the engine needed for it.

    scripts/demo_tree.py --url http://127.0.0.1:8080

Needs a node with the templates of config/templates and a worker with the handlers of sdk/python/examples. On a terminal the
tree is drawn again in place; elsewhere each change is a line.
"""

from __future__ import annotations

import argparse
import datetime
import pathlib
import sys
import time
from typing import Any, Dict, List, Optional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "sdk" / "python"))

from geartrain import FINAL_STATES, ApiError, Client  # noqa: E402

ORDER = {
    "order_id": "A-1001",
    "customer": {"name": "Ada", "email": "ada@example.com"},
    "items": [{"sku": "MUG-01", "quantity": 2}, {"sku": "CAP-02", "quantity": 1}],
    "payment": {"token": "tok_visa", "provider_failures": 2},
}
SYMBOLS = {
    "complete": "✔",
    "resolved_manually": "✔",
    "error": "✘",
    "cancelled": "✘",
    "waiting_for_retry": "↻",
    "pending": "○",
}

# What the engine writes for a task. The rest is what this display reads, and what the node does for itself.
WRITES = ("create_tasks", "create_many", "find_holders", "commit_turns", "sync_claims", "record_refused")


class Step:
    """What the tree shows of one step."""

    def __init__(self, body: Dict[str, Any], parents: List[str]) -> None:
        self.name: str = body["name"]
        self.state: str = body["current_state"]
        self.attempts: int = body.get("attempts") or 0
        self.max_attempts: int = body.get("max_attempts") or 0
        self.parents = parents
        self.completed_at = parse_time(body.get("completed_at"))
        results = body.get("results") or {}
        self.handler_ms: Optional[int] = (results.get("metadata") or {}).get("execution_time_ms")
        self.error: Optional[str] = (results.get("error") or {}).get("message")

    def line(self) -> str:
        text = f"{SYMBOLS.get(self.state, '●')} {self.name}  {self.state}"
        if self.attempts > 1:
            text += f"  attempt {self.attempts} of {self.max_attempts}"
        if self.error and self.state != "complete":
            text += f"  ({self.error})"
        return text


def parse_time(text: Optional[str]) -> Optional[datetime.datetime]:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def dependencies_of(client: Client, task: Dict[str, Any]) -> Dict[str, List[str]]:
    template = client.get_template(task["namespace"], task["name"], task["version"])
    return {step["name"]: step.get("dependencies") or [] for step in template["steps"]}


def steps_of(client: Client, task_uuid: str, parents: Dict[str, List[str]]) -> List[Step]:
    return [Step(body, parents.get(body["name"], [])) for body in client.list_steps(task_uuid)]


def draw(steps: List[Step]) -> List[str]:
    """One line a step, indented by its distance from the start."""
    by_name = {step.name: step for step in steps}
    depths: Dict[str, int] = {}

    def depth(step: Step) -> int:
        if step.name not in depths:
            depths[step.name] = max((depth(by_name[p]) + 1 for p in step.parents if p in by_name), default=0)
        return depths[step.name]

    ordered = sorted(steps, key=depth)
    return ["  " + "   " * (depth(step) - 1) + ("└─ " if depth(step) else "") + step.line() for step in ordered]


class Display:
    """Shows the steps again and again: in place on a terminal, else what changed."""

    def __init__(self) -> None:
        self._in_place = sys.stdout.isatty()
        self._started = time.monotonic()
        self._lines: List[str] = []
        self._shown: Dict[str, str] = {}

    def show(self, steps: List[Step]) -> None:
        if self._in_place:
            lines = draw(steps)
            if lines != self._lines:
                sys.stdout.write(f"\x1b[{len(self._lines)}F\x1b[J" if self._lines else "")
                sys.stdout.write("\n".join(lines) + "\n")
                self._lines = lines
        else:
            for step in steps:
                if step.line() != self._shown.get(step.name) and step.state != "pending":
                    print(f"  {time.monotonic() - self._started:6.3f} s  {step.line()}")
                    self._shown[step.name] = step.line()
        sys.stdout.flush()

    def end(self, steps: List[Step]) -> None:
        if not self._in_place:
            print("\n".join(["", *draw(steps)]))


def watch(client: Client, task: Dict[str, Any], timeout: float) -> Dict[str, Any]:
    """Until the task is over; the task as it ended."""
    parents = dependencies_of(client, task)
    display = Display()
    deadline = time.monotonic() + timeout
    while True:
        current = client.get_task(task["task_uuid"])
        steps = steps_of(client, task["task_uuid"], parents)
        display.show(steps)
        if current["status"] in FINAL_STATES:
            display.end(steps)
            print_durations(current, steps)
            return current
        if time.monotonic() > deadline:
            raise SystemExit(f"the task is still {current['status']} after {timeout:g} s; does a worker run?")
        time.sleep(0.02)


def print_durations(task: Dict[str, Any], steps: List[Step]) -> None:
    ended = {step.name: step.completed_at for step in steps}
    created = parse_time(task["created_at"])
    print(f"\n  {'step':<24}{'attempts':>9}{'handler':>11}{'in all':>13}")
    for step in steps:
        ready = max((ended[p] for p in step.parents if ended.get(p)), default=created)
        whole = "" if step.completed_at is None else f"{(step.completed_at - ready).total_seconds() * 1000:.1f} ms"
        handler = "" if step.handler_ms is None else f"{step.handler_ms} ms"
        print(f"  {step.name:<24}{step.attempts:>9}{handler:>11}{whole:>13}")
    completed = parse_time(task.get("completed_at"))
    if created and completed:
        print(f"  {'task':<24}{'':>9}{'':>11}{(completed - created).total_seconds() * 1000:>10.1f} ms")
    print("  (in all: from the moment the step could run, with retries and their waits)")


# -- round trips ---------------------------------------------------------------------


def round_trips(client: Client) -> Optional[Dict[str, int]]:
    """Round trips so far by operation; None when the node does not say."""
    try:
        operations = client.telemetry("database").get("operations") or []
        return {entry["name"]: int(entry["round_trips"]) for entry in operations}
    except (ApiError, AttributeError, KeyError, TypeError, ValueError):
        return None


def print_round_trips(before: Optional[Dict[str, int]], after: Optional[Dict[str, int]], task: Dict[str, Any]) -> None:
    if before is None or after is None:
        print("\n  database round trips: the node gives no figures")
        return
    spent = {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}
    attempts = sum(step.get("attempts") or 0 for step in task["steps"])
    engine = sum(count for name, count in spent.items() if name in WRITES)
    share = f" = {engine / attempts:.2f} per step result, creation included" if attempts else ""
    print(f"\n  database round trips: {engine} for {len(task['steps'])} steps with {attempts} attempts{share}")
    for name, count in sorted(spent.items(), key=lambda entry: -entry[1]):
        print(f"    {name:<24}{count:>6}{'' if name in WRITES else '   (reads of this display, housekeeping)'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="a node")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds to wait for the end of the task")
    options = parser.parse_args()
    with Client(options.url) as client:
        before = round_trips(client)
        task = client.create_task("shop", "order_fulfillment", ORDER, reason="demo")
        print(f"task {task['task_uuid']}  {task['namespace']}/{task['name']} {task['version']}\n", flush=True)
        ended = watch(client, task, options.timeout)
        print_round_trips(before, round_trips(client), ended)
        print(f"\ntask {ended['status']}")
        return 0 if ended["status"] == "complete" else 1


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # also where the locale says less
    try:
        sys.exit(main())
    except ApiError as error:
        sys.exit(f"demo: {error}")
