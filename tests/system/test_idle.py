"""A node with nothing to do leaves the database alone."""

import pathlib
import threading
import unittest

from harness import Node, WorkerProcess

HANDLERS = pathlib.Path(__file__).with_name("handlers.py")
SECONDS = 20


class Idle(unittest.TestCase):
    def test_fewer_than_three_statements_a_second_with_a_worker_waiting(self) -> None:
        with Node() as node, WorkerProcess(node, "sys", HANDLERS, "--concurrency", "1"):
            node.count_statements()
            offset = node.postgres_log.stat().st_size
            threading.Event().wait(SECONDS)  # what is measured is time without work
            executed = node.executed(offset)
            print(f"{len(executed)} statements in {SECONDS} s: {sorted({e['statement'] for e in executed})}")
            self.assertLess(len(executed) / SECONDS, 3)


if __name__ == "__main__":
    unittest.main()
