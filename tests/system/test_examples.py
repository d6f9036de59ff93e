"""The shipped examples of decisions, batches, retries and checkpoints, with a node and a worker process."""

import unittest

from harness import FINAL, ROOT, SDK, Node, WorkerProcess, wait_until

EXAMPLES = SDK / "examples"
FILES = ["conditional_approval", "csv_import", "evens_or_odds", "retries"]


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.node = Node(templates=ROOT / "config" / "templates")
        cls.addClassCleanup(cls.node.__exit__)
        cls.node.start()
        rest = [str(EXAMPLES / f"{name}.py") for name in FILES[1:]]
        cls.worker = WorkerProcess(cls.node, "finance,catalog,math,demo", EXAMPLES / f"{FILES[0]}.py", *rest)
        cls.addClassCleanup(cls.worker.__exit__)

    def finished(self, namespace: str, name: str, context: dict):
        """The ended task, and its steps by name."""
        with self.node.client() as client:
            task = client.create_task(namespace, name, context)["task_uuid"]
            ended = wait_until(f"{name} ends", lambda: client.get_task(task)["status"] in FINAL and client.get_task(task))
            steps = {step["name"]: step for step in client.list_steps(task)}
        self.assertEqual(ended["status"], "complete", {n: s["results"] for n, s in steps.items()})
        return ended, steps

    def result(self, steps: dict, name: str):
        return steps[name]["results"]["result"]

    def test_approvals(self) -> None:
        for amount, total, by in ((999, 4, ["policy"]), (1000, 4, ["manager"]), (5000, 5, ["finance", "manager"])):
            task, steps = self.finished("finance", "conditional_approval", {"amount": amount, "requester": "ada"})
            self.assertEqual((task["total_steps"], self.result(steps, "finalize")["by"]), (total, by))

    def test_a_file_in_batches(self) -> None:
        task, steps = self.finished("catalog", "csv_import", {"rows": 1000, "bad_rows": [5]})
        summary = self.result(steps, "summarize")
        self.assertEqual((task["total_steps"], summary["workers"], summary["rows"], summary["failed_rows"]), (7, 5, 1000, 1))
        task, steps = self.finished("catalog", "csv_import", {"rows": 0})
        self.assertEqual((task["total_steps"], self.result(steps, "summarize")["workers"]), (3, 0))

    def test_a_decision_between_batches(self) -> None:
        for numbers, path in (([2, 4, 6, 8, 10, 12], "evens"), ([1, 3, 5, 7, 9, 11, 2, 4], "odds"), (list(range(1, 11)), "evens")):
            _, steps = self.finished("math", "evens_or_odds", {"numbers": numbers})
            self.assertIn(f"square_{path}_003", steps)
            self.assertNotIn("plan_odds" if path == "evens" else "plan_evens", steps)
            self.assertEqual(self.result(steps, "total")["workers"], 3)

    def test_retries_and_resumption(self) -> None:
        _, steps = self.finished("demo", "flaky_call", {})
        self.assertEqual((steps["call_service"]["attempts"], steps["call_service"]["max_attempts"]), (3, 5))
        _, steps = self.finished("demo", "resumed_batch", {"items": 100})
        self.assertEqual(steps["process_items_001"]["attempts"], 2)
        self.assertEqual([run["from"] for run in self.result(steps, "report")["runs"]], [0, 25, 50, 75])


if __name__ == "__main__":
    unittest.main()
