"""What is left after a run, gathered: rows of the database, what the API shows, what clients were told, and the ledgers."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Dict, List

Row = Dict[str, Any]

COLUMNS = {
    "tasks": "task_id, state, version, steps_total, steps_completed, steps_failed, partition",
    "attempts": "task_id, version, seq, step, attempt, outcome, lease_nonce, next_attempt_at IS NOT NULL AS again, result, error",
    "task_facts": "task_id, version, seq, kind, step, data",
    "checkpoints": "task_id, step, attempt, version, lease_nonce, yielded, data",
    "refused_reports": "task_id, step, attempt, lease_nonce",
}


@dataclass
class Evidence:
    accepted: Dict[str, Row] = field(default_factory=dict)  # by task: kind, context
    tasks: Dict[str, Row] = field(default_factory=dict)
    attempts: Dict[str, List[Row]] = field(default_factory=dict)
    facts: Dict[str, List[Row]] = field(default_factory=dict)
    checkpoints: Dict[str, List[Row]] = field(default_factory=dict)
    refused: Dict[str, List[Row]] = field(default_factory=dict)
    steps: Dict[str, Dict[str, Row]] = field(default_factory=dict)  # by task and name: number, state, attempts
    seen: List[Row] = field(default_factory=list)  # what clients were told of tasks: task, status
    refusals: List[str] = field(default_factory=list)  # of creations in which nothing was wrong
    ends: Dict[str, int] = field(default_factory=dict)  # exit codes of nodes that were asked to end, or were found dead
    apart: str = ""  # what the nodes say of each other, if they did not all meet again
    ledger: List[Row] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def from_json(text: str) -> Evidence:
    return Evidence(**json.loads(text))


def read_rows(evidence: Evidence, sql: Callable[[str], List[List[str]]]) -> None:
    evidence.tasks = {row["task_id"]: row for row in _rows(sql, "tasks")}
    for table, into in (("attempts", evidence.attempts), ("task_facts", evidence.facts),
                        ("checkpoints", evidence.checkpoints), ("refused_reports", evidence.refused)):
        by_task: Dict[str, List[Row]] = defaultdict(list)
        for row in _rows(sql, table):
            by_task[row["task_id"]].append(row)
        into.update(by_task)


def _rows(sql: Callable[[str], List[List[str]]], table: str) -> List[Row]:
    text = sql(f"SELECT coalesce(json_agg(t), '[]') FROM (SELECT {COLUMNS[table]} FROM geartrain.{table}) t")[0][0]
    return json.loads(text)


def step_rows(listed: List[Row]) -> Dict[str, Row]:
    """What the API lists of a task's steps."""
    return {step["name"]: {"number": int(step["step_uuid"][-4:], 16), "state": step["current_state"],
                           "attempts": step["attempts"] or 0} for step in listed}
