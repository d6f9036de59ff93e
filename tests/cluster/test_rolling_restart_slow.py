"""Every node is stopped and started again, one after the other, under load behind a plain TCP balancer: no request fails."""

import json
import threading
import time
import unittest
from typing import Any, Callable, Dict, List, Optional

from nodes import ClusterCase, wait_until
from balancer import CHECK_SECONDS, Balancer

from geartrain.transport import Connection, TransportError

# A balancer that looks every so often needs a node to go on serving for a few looks after its readiness is gone.
LEAVE_DELAY_MS = int(CHECK_SECONDS * 1000 * 8)


class Load:
    """Clients that create, work and read through one address. `failures` has every request that was not answered as it should."""

    def __init__(self, url: str, keep_connections: bool) -> None:
        self._url = url
        self._keep = keep_connections
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self.failures: List[str] = []
        self.requests = 0
        self.longest = 0.0
        self.tasks: List[str] = []
        runs = [self._create] * 2 + [self._work] * 3 + [self._read]
        self._threads = [threading.Thread(target=run) for run in runs]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)

    def _create(self) -> None:
        call = self._caller()
        while not self._stopping.wait(0.02):
            made = call("POST", "/v1/tasks", {"namespace": "sys", "name": "linear", "context": {}})
            if made is not None:
                with self._lock:
                    self.tasks.append(made["task_uuid"])

    def _work(self) -> None:
        call = self._caller()
        results: List[Dict[str, Any]] = []
        while not self._stopping.is_set():
            body = {"worker_id": "w", "namespaces": ["sys"], "max_steps": 4, "wait_ms": 300, "results": results}
            answer = call("POST", "/v1/workers/poll", body)
            results = [{"step_uuid": step["step_uuid"], "lease_token": step["lease_token"], "success": True, "result": {}}
                       for step in (answer or {}).get("steps", [])]
        if results:
            call("POST", "/v1/workers/results", {"worker_id": "w", "results": results})

    def _read(self) -> None:
        call = self._caller()
        while not self._stopping.wait(0.02):
            with self._lock:
                task = self.tasks[-1] if self.tasks else None
            if task:
                call("GET", f"/v1/tasks/{task}?wait_ms=200", None)

    def _caller(self) -> Callable[[str, str, Any], Any]:
        kept: List[Optional[Connection]] = [None]

        def call(method: str, path: str, body: Any) -> Any:
            connection = kept[0] or Connection(self._url)
            began = time.monotonic()
            try:
                answer = connection.request(method, path, None if body is None else json.dumps(body).encode(), timeout=15)
                problem = "" if answer.status < 400 else f"{method} {path}: {answer.status} {answer.body[:200]!r}"
            except TransportError as error:
                answer, problem = None, f"{method} {path}: {error}"
            took = time.monotonic() - began
            with self._lock:
                self.requests += 1
                self.longest = max(self.longest, took)
                if problem:
                    self.failures.append(problem)
            leaving = answer is None or answer.headers.get("connection", "").lower() == "close"
            if self._keep and not leaving:
                kept[0] = connection
            else:
                connection.close()
                kept[0] = None
            return answer.json() if answer is not None and answer.status < 400 else None

        return call


class RollingRestart(ClusterCase):
    arguments = ("--cluster-leave-delay-ms", str(LEAVE_DELAY_MS), "--lease-ms", "10000")

    def test_with_a_connection_for_each_request(self) -> None:
        self.restart_all(keep_connections=False)

    def test_with_connections_that_are_kept(self) -> None:
        """A node that leaves says so with its answers, and closes no connection that a request may be on its way in."""
        self.restart_all(keep_connections=True)

    def restart_all(self, keep_connections: bool) -> None:
        with Balancer(self.cluster.urls()) as balancer:
            load = Load(balancer.url, keep_connections)
            load.start()
            try:
                wait_until("work is done", lambda: len(load.tasks) > 50, 30)
                for node in self.cluster.nodes:
                    before = len(load.tasks)
                    self.assertEqual(node.stop(), 0)
                    node.start()
                    self.cluster.wait_for_balance()
                    wait_until("the balancer sees it", lambda: node.url in balancer.ready(), 10)
                    wait_until("work goes on", lambda: len(load.tasks) > before + 50, 30)
            finally:
                load.stop()
        print(f"{load.requests} requests, longest {load.longest * 1000:.0f} ms, {len(load.failures)} failed, {len(load.tasks)} tasks")
        self.assertEqual(load.failures, [])
        self.assertEqual(balancer.refused, 0)
        self.finish(load.tasks)

    def finish(self, tasks: List[str]) -> None:
        node = self.cluster.nodes[0]

        def one_round() -> bool:
            for step in node.poll(max_steps=100):
                node.report(step)
            return self.cluster.database.sql("SELECT count(*) FROM geartrain.tasks WHERE NOT closed") == [["0"]]

        wait_until("every task ends", one_round, 60)
        ended = self.cluster.database.sql("SELECT count(*) FROM geartrain.tasks WHERE state = 8")
        self.assertGreaterEqual(int(ended[0][0]), len(tasks))


if __name__ == "__main__":
    unittest.main()
