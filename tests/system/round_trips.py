"""What a piece of work costs a node in round trips: by the database actor's own counters, compared with the server's log."""

from __future__ import annotations

import unittest
from typing import Any, Callable, Dict, List, Sequence

from geartrain import Client
from harness import BACKGROUND_OPERATIONS, Node

# The same by the names of statements.
BACKGROUND_STATEMENTS = BACKGROUND_OPERATIONS - {"fetch_templates"} | {"templates_since"}


def spent(case: unittest.TestCase, node: Node, work: Callable[[], Any]) -> Dict[str, int]:
    """What `work` cost by the counters, after it was compared with the log. `node.count_statements()` comes before."""
    before, offset = node.round_trips(), node.postgres_log.stat().st_size
    work()
    after = node.round_trips()
    cost = {name: count - before[name] for name, count in after.items() if count != before[name]}
    ours = [e for e in node.executed(offset) if e["statement"] not in BACKGROUND_STATEMENTS]
    for operation in BACKGROUND_OPERATIONS:
        cost.pop(operation, None)
    transactions = {e["transaction"] for e in ours}
    case.assertEqual(sum(cost.values()), len(transactions), f"counters {cost}, server {ours}")
    return cost


def poll(client: Client, namespace: str = "sys", count: int = 1) -> List[Dict[str, Any]]:
    """Steps, taken by hand."""
    body = {"worker_id": "hand", "namespaces": [namespace], "max_steps": count}
    return client._json("POST", "/v1/workers/poll", body)["steps"]


def report(client: Client, steps: Sequence[Dict[str, Any]], success: bool = True, **fields: Any) -> List[str]:
    """What became of the same result for each of `steps`."""
    items = [{"step_uuid": s["step_uuid"], "lease_token": s["lease_token"], "success": success, "result": {"n": 1}, **fields}
             for s in steps]
    answer = client._json("POST", "/v1/workers/results", {"worker_id": "hand", "results": items})
    return [row["status"] for row in answer["results"]]
