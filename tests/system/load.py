"""Creating many tasks at once and waiting for all of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List

from harness import FINAL, Node, wait_until

from geartrain import ApiError, Client


def create_tasks(node: Node, name: str, count: int, context: Dict[str, Any], namespace: str = "sys", threads: int = 8) -> List[str]:
    """Creates `count` tasks, each exactly once: a creation whose answer was lost is repeated with the same key."""
    share = [range(i, count, threads) for i in range(threads)]

    def create(numbers: range) -> List[str]:
        ids = []
        with Client(node.url, timeout=60) as client:
            for number in numbers:
                ids.append(_create_once(client, namespace, name, context, f"{name}-{number}"))
        return ids

    with ThreadPoolExecutor(threads) as pool:
        return [task for ids in pool.map(create, share) for task in ids]


def _create_once(client: Client, namespace: str, name: str, context: Dict[str, Any], key: str) -> str:
    def attempt() -> str:
        try:
            return str(client.create_task(namespace, name, context, idempotency_key=key)["task_uuid"])
        except ApiError as error:
            if error.status == 409:
                return str(error.details[0]["task_uuid"])
            if 0 < error.status < 500:
                raise
            return ""

    return wait_until(f"creation of {key}", attempt, 120)


def unfinished(node: Node) -> int:
    states = ",".join(str(s) for s in range(8, 12))
    return int(node.sql(f"SELECT count(*) FROM geartrain.tasks WHERE state NOT IN ({states})")[0][0])


def wait_for_all(node: Node, deadline_seconds: float) -> None:
    wait_until("every task ends", lambda: unfinished(node) == 0, deadline_seconds, 0.25)


def states_of(node: Node, ids: List[str]) -> Dict[str, int]:
    """How many of these tasks the API shows in which state."""
    counts: Dict[str, int] = {}
    with node.client() as client:
        for task in ids:
            state = client.get_task(task)["status"]
            counts[state] = counts.get(state, 0) + 1
    assert set(counts) <= set(FINAL), counts
    return counts
