"""A node that stands still for a while and wakes up believes what was true before. What it decides from that must lose.

It stands still until the others have finished its tasks, or for GEARTRAIN_FROZEN_SECONDS if that is longer."""

import json
import os
import socket
import time
import unittest
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Dict, List

from nodes import ClusterCase, ClusterNode, wait_until


FROZEN_SECONDS = float(os.environ.get("GEARTRAIN_FROZEN_SECONDS", "0"))


class FrozenNode(ClusterCase):
    arguments = ("--lease-ms", "2000")

    def test_its_late_decisions_lose(self) -> None:
        frozen, second, third = self.cluster.nodes
        tasks = [frozen.create("linear") for _ in range(10)]
        held = frozen.poll(max_steps=10)
        self.assertEqual(len(held), 10)
        frozen.freeze()
        thaw_at = time.monotonic() + FROZEN_SECONDS
        with ThreadPoolExecutor(len(held)) as pool:
            # It has these before it wakes up: what a worker said that gave up waiting for the answer.
            late: List["Future[str]"] = [pool.submit(report_late, frozen, step) for step in held]
            self.cluster.wait_for_balance(["n2", "n3"], 30)
            said = [second.report(step) for step in held]  # the same leases succeed, as far as they still hold
            wait_until("the others finish its tasks", lambda: self.work_off(second, third, tasks), 60)
            before = self.history(tasks)
            wait_until("it has been frozen for long enough", lambda: time.monotonic() >= thaw_at, FROZEN_SECONDS + 5)
            frozen.thaw()
            answers = [one.result(30) for one in late]
        self.cluster.wait_for_balance()
        late_answers = dict(Counter(answers))
        lost = frozen.metric("geartrain_turn_conflicts_total")
        print(f"results taken by others: {said.count('accepted')} of {len(said)}; what the woken node said to late ones: "
              f"{late_answers}; its lost races: {lost:.0f}")
        self.assertNotIn("accepted", answers)
        # Its leases are long over by its own clock; it must not write that into histories that went on without it.
        wait_until("it knows that they are over", lambda: all(frozen.task(task)["status"] == "complete" for task in tasks), 20)
        self.assertEqual(self.history(tasks), before)

    def work_off(self, second: ClusterNode, third: ClusterNode, tasks: List[str]) -> bool:
        for node in (second, third):
            for step in node.poll(max_steps=20):
                node.report(step)
        return all(second.task(task)["status"] == "complete" for task in tasks)

    def history(self, tasks: List[str]) -> List[List[str]]:
        ids = ",".join(f"'{task}'" for task in tasks)
        return self.cluster.database.sql("SELECT task_id, version, seq, step, attempt, outcome, lease_nonce FROM geartrain.attempts "
                                         f"WHERE task_id IN ({ids}) ORDER BY task_id, version, seq")


def report_late(node: ClusterNode, step: Dict[str, Any]) -> str:
    """Sends a failure to a node that does not listen yet, and waits for whatever it says when it does."""
    item = {"step_uuid": step["step_uuid"], "lease_token": step["lease_token"], "success": False,
            "error": {"message": "too late", "error_type": "late", "retryable": True}}
    body = json.dumps({"worker_id": "w", "results": [item]}).encode()
    host, port = node.url.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /v1/workers/results HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\n"
                           b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        answer = b""
        while data := connection.recv(65536):
            answer += data
    head, _, text = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.splitlines()[0]:
        return head.splitlines()[0].decode()
    return json.loads(text)["results"][0]["status"]


if __name__ == "__main__":
    unittest.main()
