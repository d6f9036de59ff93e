"""kill -9 of node after node under load, with workers and clients on all of them: nothing is lost, repeated in its effect or invented."""

import os
import pathlib
import random
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import List

from nodes import ClusterCase, wait_until
import checker
from harness import MIXED_DAG, WorkerProcess, read_ledger, template
from load import create_tasks, states_of, unfinished, wait_for_all

HANDLERS = pathlib.Path(__file__).resolve().parents[1] / "system" / "handlers.py"
TASKS = 300
KILLS = 9
SEED = int(os.environ.get("GEARTRAIN_SEED", "1"))


class KilledUnderLoad(ClusterCase):
    arguments = ("--lease-ms", "3000")

    def test_nine_times_while_three_hundred_tasks_run(self) -> None:
        chance = random.Random(SEED)
        pause = threading.Event()
        first = self.cluster.nodes[0]
        for node in self.cluster.nodes:  # a name for each, because the keys of creations are made from it
            first.call("POST", "/v1/templates", template(f"busy_{node.name}", MIXED_DAG, retry={"max_attempts": 100}))
        ledger = first.directory / "ledger"
        workers: List[WorkerProcess] = []
        with ThreadPoolExecutor(3) as background:
            try:
                workers += [WorkerProcess(node, "sys", HANDLERS, "--concurrency", "4", environment={"GEARTRAIN_LEDGER": str(ledger)})
                            for node in self.cluster.nodes]
                creations = [background.submit(create_tasks, node, f"busy_{node.name}", TASKS // 3, {"run_ms": 200}, "sys", 2)
                             for node in self.cluster.nodes]
                wait_until("work has begun", lambda: len(read_ledger(ledger)) > 50)
                for number in range(KILLS):
                    pause.wait(chance.uniform(0.2, 1.5))
                    victim = self.cluster.nodes[number % 3]
                    victim.kill9()
                    pause.wait(chance.uniform(0.0, 2.0))
                    victim.start()
                busy = any(one.running() for one in creations) or unfinished(first) > 0
                self.assertTrue(busy, "the kills came too late to mean anything")
                ids = {task for one in creations for task in one.result(300)}
                wait_for_all(first, 300)
            finally:
                for worker in workers:
                    worker.stop()
        entries = read_ledger(ledger)
        self.assertEqual(states_of(first, list(ids)), {"complete": len(ids)})
        self.assertEqual(checker.violations(first, entries, MIXED_DAG), [])
        begun = sum(1 for line in entries if line["what"] == "begin")
        print(f"seed {SEED}: {KILLS} kills, {len(ids)} tasks, {len(ids) * 7} steps, {begun} executions, 0 violations")


if __name__ == "__main__":
    unittest.main()
