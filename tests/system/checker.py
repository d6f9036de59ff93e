"""Reads the database, the public API's answers and the handlers' ledger, and says what must never be."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Dict, List

from harness import Node
from histories import EXPIRED, NONE, SUCCESS, step_violations, turn_violations


def violations(node: Node, ledger: List[Dict[str, Any]], steps: Dict[str, Any]) -> List[str]:
    """All broken promises of tasks that ran the graph `steps` (name -> parents), as sentences.

    Read from rows alone: histories that are no path of the state machine, attempts that repeat or skip a number, steps
    that completed twice or before their parents, tasks whose end does not follow from their steps. Against the ledger:
    results that are recorded but were never computed, and computed results that nobody can account for.
    """
    numbers = {name: i + 1 for i, name in enumerate(steps)}
    parents = {numbers[name]: [numbers[p] for p in given] for name, given in steps.items()}
    found: List[str] = []
    attempts = _attempts(node)
    for task, state, version in node.sql("SELECT task_id, state, version FROM geartrain.tasks"):
        found += _task_violations(task, int(state), int(version), attempts[task], parents)
    found += _ledger_violations(attempts, ledger)
    return found


def _attempts(node: Node) -> Dict[str, List[Dict[str, Any]]]:
    rows = node.sql("SELECT task_id, step, attempt, outcome, version, extract(epoch FROM claimed_at), "
                    "extract(epoch FROM finished_at), coalesce(result, '') "
                    "FROM geartrain.attempts ORDER BY task_id, step, attempt")
    by_task: Dict[str, List[Dict[str, Any]]] = defaultdict(list)
    for task, step, attempt, outcome, version, claimed, finished, result in rows:
        by_task[task].append({"step": int(step), "attempt": int(attempt), "outcome": int(outcome),
                              "version": int(version), "claimed": float(claimed), "finished": float(finished),
                              "result": result})
    return by_task


def _task_violations(task: str, state: int, version: int, rows: List[Dict[str, Any]],
                     parents: Dict[int, List[int]]) -> List[str]:
    found = []
    by_step: Dict[int, List[Dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["outcome"] != NONE:
            by_step[row["step"]].append(row)
    for step, history in list(by_step.items()):
        found += step_violations(f"{task} step {step}", history, {parent: by_step[parent] for parent in parents[step]})
    found += turn_violations(task, {row["version"] for row in rows}, version, state == 8)
    complete = all(by_step[step] and by_step[step][-1]["outcome"] == SUCCESS for step in parents)
    if (state == 8) != complete:
        found.append(f"{task}: state {state}, all steps complete: {complete}")
    return found


def _ledger_violations(attempts: Dict[str, List[Dict[str, Any]]], ledger: List[Dict[str, Any]]) -> List[str]:
    found = []
    begun = {(line["step"], line["attempt"]) for line in ledger if line["what"] == "begin"}
    ended = {(line["step"], line["attempt"]) for line in ledger if line["what"] == "end"}
    recorded = set()
    succeeded = set()
    for task, rows in attempts.items():
        for row in rows:
            if row["outcome"] == NONE:
                continue
            step = f"{task[:-4]}{row['step']:04x}"
            recorded.add((step, row["attempt"]))
            if row["outcome"] == SUCCESS:
                succeeded.add(step)
                if (step, row["attempt"]) not in ended:
                    found.append(f"{step} attempt {row['attempt']}: a result is recorded that no handler computed")
            elif row["outcome"] != EXPIRED and (step, row["attempt"]) not in begun:
                found.append(f"{step} attempt {row['attempt']}: a failure is recorded that no handler had")
    for step, attempt in ended:
        # A computed result may lose against another execution of its step, but then that one is recorded.
        if step not in succeeded:
            found.append(f"{step} attempt {attempt}: a computed result was lost")
    return found
