"""Workers poll any node and report to any other, and nobody polls the database for them."""

import pathlib
import statistics
import threading
import time
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List

from nodes import BEAT_MS, PATIENT, ClusterCase, ClusterNode, wait_until
from harness import BACKGROUND_OPERATIONS, WorkerProcess, read_ledger, template

HANDLERS = pathlib.Path(__file__).resolve().parents[1] / "system" / "handlers.py"
BRANCHES = 90

# What every node asks by its own clock, whoever works or waits; who only waits holds nothing that would be recorded.
BY_THE_CLOCK = BACKGROUND_OPERATIONS - {"sync_claims"}

# The most that nodes say to each other for a short step: the offer, the report and its answer if it travels; the offer and its return
# if nobody wants it there; and for each worker that asks for one, to each other node, that it waits and that it waits no more. Beats
# and the upkeep of links are not counted by the step.
MESSAGES_OF_TRAVEL = 3
MESSAGES_OF_A_RETURN = 2
MESSAGES_OF_A_POLL = 2


class WorkersAnywhere(ClusterCase):
    arguments = PATIENT

    def test_a_step_of_one_node_reaches_a_worker_that_waits_at_another_at_once(self) -> None:
        owner, edge = self.cluster["n1"], self.cluster["n2"]
        pauses: List[float] = []
        with ThreadPoolExecutor(1) as pool:
            for _ in range(20):
                waiting = pool.submit(edge.poll, 10000)
                task = owner.create("one")
                created = time.monotonic()
                step = waiting.result(15)[0]
                pauses.append(time.monotonic() - created)
                self.assertEqual(step["task_uuid"], task)
                self.assertEqual(edge.report(step), "accepted")
        print(f"from the creation at n1 to the worker at n2: median {statistics.median(pauses) * 1000:.1f} ms, "
              f"longest {max(pauses) * 1000:.1f} ms")
        self.assertLess(statistics.median(pauses), 0.1)
        self.assertLess(max(pauses), 2.0)

    def test_workers_that_wait_cost_no_statements(self) -> None:
        wait_until("earlier work is over", lambda: set(self.statements_during(0.3)) <= BY_THE_CLOCK, 20)
        with ThreadPoolExecutor(24) as pool:
            waiting = [pool.submit(node.poll, 10000) for node in self.cluster.nodes for _ in range(8)]
            began = time.monotonic()
            made = self.statements_during(3)
            expected = len(self.cluster.nodes) * (time.monotonic() - began) * 1000 / BEAT_MS
            self.assertFalse(any(one.done() for one in waiting), "nothing was there to be done")
            for one in waiting:
                self.assertEqual(one.result(15), [])
        print(f"statements of three nodes with 24 workers that wait: {made}; {expected:.0f} beats are due")
        self.assertLess(made["beat"], expected * 1.5)
        self.assertEqual(set(made) - BY_THE_CLOCK, set())

    def statements_during(self, seconds: float) -> Dict[str, int]:
        """By the counters of the nodes: the server's come late."""
        def count() -> Counter[str]:
            return sum((Counter(node.round_trips()) for node in self.cluster.nodes), Counter())

        before = count()
        threading.Event().wait(seconds)
        return dict(count() - before)

    def test_results_go_to_any_node(self) -> None:
        owner, edge, third = self.cluster.nodes
        for reporter in self.cluster.nodes:
            task = owner.create("linear")
            for _ in range(4):
                step = wait_until("a step comes", lambda: edge.poll(1000), 20)[0]
                self.assertEqual(step["task_uuid"], task)
                self.assertEqual(reporter.report(step), "accepted")
                self.assertEqual({node.name: node.report(step) for node in self.cluster.nodes},
                                 {"n1": "duplicate", "n2": "duplicate", "n3": "duplicate"})
            self.assertEqual({node.task(task)["status"] for node in self.cluster.nodes}, {"complete"})
        self.assertEqual(third.poll(), [])

    def test_heartbeats_reads_and_acts_go_to_any_node(self) -> None:
        owner, edge, third = self.cluster.nodes
        task = owner.create("linear")
        step = wait_until("a step comes", lambda: edge.poll(1000), 20)[0]
        lease = {"step_uuid": step["step_uuid"], "lease_token": step["lease_token"]}
        for node in self.cluster.nodes:
            said = node.call("POST", "/v1/workers/heartbeat", {"worker_id": "w", "leases": [lease]})["leases"][0]
            self.assertEqual(said["status"], "extended", node.name)
            self.assertEqual(node.task(task)["status"], "steps_in_process", node.name)
        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(node.task, task, 20000) for node in (owner, third)]
            edge.call("DELETE", f"/v1/tasks/{task}")
            cancelled = time.monotonic()
            self.assertEqual({one.result(25)["status"] for one in waiting}, {"cancelled"})
            self.assertLess(time.monotonic() - cancelled, 5)
        said = third.call("POST", "/v1/workers/heartbeat", {"worker_id": "w", "leases": [lease]})["leases"][0]
        self.assertIn(said["status"], ("cancelled", "lost"))
        self.assertEqual(third.report(step), "stale")

    def test_a_poll_that_goes_away_gives_its_steps_back(self) -> None:
        owner, edge, third = self.cluster.nodes
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(edge.poll, 300)
            self.assertEqual(waiting.result(10), [])
        task = owner.create("one")
        step = wait_until("a worker elsewhere gets it", lambda: third.poll(1000), 10)[0]
        self.assertEqual((step["task_uuid"], step["attempt"]), (task, 1))
        self.assertEqual(owner.report(step), "accepted")


class FanOut(ClusterCase):
    arguments = PATIENT

    def test_each_step_once_over_workers_on_three_nodes(self) -> None:
        branches = {f"b{number:02}": ["top"] for number in range(BRANCHES)}
        owner = self.cluster["n1"]
        owner.call("POST", "/v1/templates", template("fan", {"top": [], **branches, "bottom": list(branches)}))
        ledger = owner.directory / "ledger"
        workers = [WorkerProcess(node, "sys", HANDLERS, "--concurrency", "4", environment={"GEARTRAIN_LEDGER": str(ledger)})
                   for node in self.cluster.nodes]
        try:
            for worker in workers:
                wait_until("the worker asks for work", lambda: "polls" in worker.log.read_text(), 60)
            owner.create("one")
            wait_until("a worker works", lambda: read_ledger(ledger), 30)
            before = [counters(node) for node in self.cluster.nodes]
            task = owner.create("fan", {"run_ms": 20})
            began = time.monotonic()
            self.assertEqual(wait_until("it ends", lambda: finished(owner, task), 60), "complete")
            seconds = time.monotonic() - began
            after = [counters(node) for node in self.cluster.nodes]
        finally:
            for worker in workers:
                worker.stop()
        begun = [line for line in read_ledger(ledger) if line["what"] == "begin" and line["task"] == task]
        steps = BRANCHES + 2
        self.assertEqual(len({line["step"] for line in begun}), steps)
        self.assertEqual(len(begun), steps, "a step ran twice")
        shares = sorted(sum(1 for line in begun if line["pid"] == pid) for pid in {line["pid"] for line in begun})
        print(f"{steps} steps of one task in {seconds:.2f} s, by worker: {shares}")
        self.assertEqual(len(shares), 3, "a worker got nothing")
        said = {name: sum(late.get(name, 0) - early.get(name, 0) for early, late in zip(before, after)) for name in after[0]}
        per_step = {name: round(count / steps, 2) for name, count in said.items() if count}
        print(f"per step: {per_step}")
        peers = len(self.cluster.nodes) - 1
        most = (MESSAGES_OF_TRAVEL * said["steps_taken"] + MESSAGES_OF_A_RETURN * said["steps_returned"]
                + MESSAGES_OF_A_POLL * peers * steps)
        self.assertLessEqual(said["messages_sent"], most, "messages between nodes are bounded by the step")


def finished(node: ClusterNode, task: str) -> str:
    status = node.task(task, 10000)["status"]
    return status if status in ("complete", "error") else ""


def counters(node: ClusterNode) -> Dict[str, float]:
    """Every number that /v1/telemetry/cluster shows, by its path."""
    found: Dict[str, float] = {}

    def collect(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                collect(f"{prefix}.{key}" if prefix else key, inner)
        elif isinstance(value, list):
            for inner in value:
                named = isinstance(inner, dict) and isinstance(inner.get("name"), str)
                collect(f"{prefix}.{inner['name']}" if named else prefix, inner)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found[prefix] = found.get(prefix, 0) + value

    collect("", node.get("/v1/telemetry/cluster") or {})
    return found


if __name__ == "__main__":
    unittest.main()
