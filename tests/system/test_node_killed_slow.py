"""kill -9 of the node at random moments under load: nothing is lost, repeated in its effect, or invented."""

import os
import pathlib
import random
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

import checker
from harness import MIXED_DAG, Node, WorkerProcess, read_ledger, template, wait_until
from load import create_tasks, states_of, unfinished, wait_for_all

HANDLERS = pathlib.Path(__file__).with_name("handlers.py")
TASKS = 500
KILLS = 20
SEED = int(os.environ.get("GEARTRAIN_SEED", "1"))


class NodeKilled(unittest.TestCase):
    def test_twenty_times_while_five_hundred_tasks_run(self) -> None:
        chance = random.Random(SEED)
        pause = threading.Event()
        node = Node()
        ledger = node.directory / "ledger"
        with node, ThreadPoolExecutor(1) as background:
            with node.client() as client:
                client.register_template(template("mixed", MIXED_DAG, retry={"max_attempts": 100}))
            # Steps take so long that eight at a time keep busy until the last kill; the kills find work at every stage.
            creation = background.submit(create_tasks, node, "mixed", TASKS, {"run_ms": 60}, "sys", 4)
            with WorkerProcess(node, "sys", HANDLERS, "--concurrency", "8", environment={"GEARTRAIN_LEDGER": str(ledger)}):
                wait_until("work has begun", lambda: len(read_ledger(ledger)) > 50)
                for _ in range(KILLS):
                    pause.wait(chance.uniform(0.05, 1.5))
                    node.kill9()
                    node.start()
                self.assertTrue(creation.running() or unfinished(node) > 0, "the kills came too late to mean anything")
                ids = creation.result(300)
                wait_for_all(node, 300)
            self.assertEqual(len(set(ids)), TASKS)
            self.assertEqual(states_of(node, ids), {"complete": TASKS})
            entries = read_ledger(ledger)
            self.assertEqual(checker.violations(node, entries, MIXED_DAG), [])
            begun = sum(1 for line in entries if line["what"] == "begin")
            print(f"seed {SEED}: {KILLS} kills, {TASKS} tasks, {TASKS * 7} steps, {begun} executions, 0 violations")


if __name__ == "__main__":
    unittest.main()
