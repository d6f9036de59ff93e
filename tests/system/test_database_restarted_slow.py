"""PostgreSQL crashes and comes back under load: the node survives, and work goes on within seconds."""

import os
import pathlib
import signal
import subprocess
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List

import checker
from harness import MIXED_DAG, Node, Postgres, WorkerProcess, read_ledger, template, wait_until
from load import create_tasks, states_of, wait_for_all

HANDLERS = pathlib.Path(__file__).with_name("handlers.py")
TASKS = 300


class DatabaseRestarted(unittest.TestCase):
    def test_a_server_restarted_immediately_three_times(self) -> None:
        with Postgres() as server:
            self.run_load(Node(database_url=server.url), lambda: server.restart("immediate"))

    def test_the_nodes_own_server_crashing_three_times(self) -> None:
        node = Node()
        self.run_load(node, lambda: self.kill_backend(node))

    def run_load(self, node: Node, crash: Callable[[], None]) -> None:
        ledger = node.directory / "ledger"
        with node, ThreadPoolExecutor(1) as background:
            with node.client() as client:
                client.register_template(template("mixed", MIXED_DAG, retry={"max_attempts": 100}))
            creation = background.submit(create_tasks, node, "mixed", TASKS, {"run_ms": 10}, "sys", 4)
            with WorkerProcess(node, "sys", HANDLERS, "--concurrency", "8", environment={"GEARTRAIN_LEDGER": str(ledger)}):
                wait_until("work has begun", lambda: len(read_ledger(ledger)) > 50)
                for _ in range(3):
                    crash()
                    self.expect_progress(node)
                ids = creation.result(300)
                wait_for_all(node, 300)
            self.assertIsNotNone(node.process)
            self.assertIsNone(node.process.poll(), "the node survived")
            self.assertEqual(states_of(node, ids), {"complete": TASKS})
            self.assertEqual(checker.violations(node, read_ledger(ledger), MIXED_DAG), [])

    def kill_backend(self, node: Node) -> None:
        """kill -9 of one backend: the postmaster crashes all others and recovers."""
        backend = node.sql("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'geartrain%' LIMIT 1")[0][0]
        os.kill(int(backend), signal.SIGKILL)

    def expect_progress(self, node: Node) -> None:
        wait_until("the database is back", lambda: self.answers(node), 60, 0.02)
        back = time.monotonic()
        done = self.commits(node)
        wait_until("a turn is committed again", lambda: self.commits(node) > done, 20, 0.02)
        print(f"work went on {time.monotonic() - back:.2f} s after the database was back")

    def answers(self, node: Node) -> bool:
        probe = ["psql", "-X", "-q", "-c", "SELECT 1", node.dsn()]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0

    def commits(self, node: Node) -> int:
        answers: List[str] = []

        def ask() -> bool:
            try:
                answers.append(node.sql("SELECT count(*) FROM geartrain.attempts")[0][0])
            except AssertionError:  # the server is still on its way down or up
                return False
            return True

        wait_until("the server answers", ask, 60, 0.02)
        return int(answers[-1])


if __name__ == "__main__":
    unittest.main()
