"""Which histories of steps and turns there may be; rules over rows, wherever they were read."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List

NONE, SUCCESS, RETRYABLE, PERMANENT, EXPIRED, TIMED_OUT = 0, 1, 2, 3, 4, 5


def step_violations(where: str, history: List[Dict[str, Any]], parents: Dict[Any, List[Dict[str, Any]]]) -> List[str]:
    """What must not be in the ended attempts of one step, in the order of their numbers; `parents` has those of the steps
    that it depends on."""
    found = []
    if [row["attempt"] for row in history] != list(range(1, len(history) + 1)):
        found.append(f"{where}: attempts repeat or skip: {[row['attempt'] for row in history]}")
    if any(row["outcome"] in (SUCCESS, PERMANENT) for row in history[:-1]):
        found.append(f"{where}: an attempt follows a final one")
    versions = [row["version"] for row in history]
    if versions != sorted(set(versions)):
        found.append(f"{where}: attempts ended in the wrong order of turns: {versions}")
    for parent, rows in parents.items():
        done = [row for row in rows if row["outcome"] == SUCCESS]
        if not done:
            found.append(f"{where}: ran although step {parent} did not complete")
        elif history and done[0]["version"] >= history[0]["version"]:
            found.append(f"{where}: ended in the turn of its parent {parent} or before")
    return found


def turn_violations(task: str, turns: Iterable[int], head_version: int, complete: bool) -> List[str]:
    """Turns are numbered from 1 without a gap, and the one that completes a task writes its head row."""
    found = []
    numbers = set(turns)
    last = max(numbers | {head_version})
    if numbers != set(range(1, last + 1)):
        found.append(f"{task}: version {head_version}, but turns wrote {sorted(numbers)}")
    if complete and head_version != last:
        found.append(f"{task}: its last turn, {last}, left the head row as turn {head_version} had written it")
    return found
