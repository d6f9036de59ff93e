"""Two thousand tasks at once over a pool of one connection, and of eight: nothing holds one while it waits for another."""

import pathlib
import unittest

import checker
from harness import MIXED_DAG, Node, WorkerProcess, read_ledger, template, wait_until
from load import create_tasks, states_of, wait_for_all

HANDLERS = pathlib.Path(__file__).with_name("handlers.py")
TASKS = 2000


class Pool(unittest.TestCase):
    def run_with(self, connections: int) -> None:
        node = Node("--database-connections", str(connections))
        ledger = node.directory / "ledger"
        with node:
            with node.client() as client:
                client.register_template(template("mixed", MIXED_DAG))
            wait_until("the whole pool is up", lambda: node.database()["connections_up"] == connections)
            # Created first, so that all of them are open at the same time.
            ids = create_tasks(node, "mixed", TASKS, {})
            with WorkerProcess(node, "sys", HANDLERS, "--concurrency", "16", environment={"GEARTRAIN_LEDGER": str(ledger)}):
                wait_for_all(node, 300)
            self.assertEqual(states_of(node, ids), {"complete": TASKS})
            self.assertEqual(checker.violations(node, read_ledger(ledger), MIXED_DAG), [])

    def test_one_connection(self) -> None:
        self.run_with(1)

    def test_eight_connections(self) -> None:
        self.run_with(8)


if __name__ == "__main__":
    unittest.main()
