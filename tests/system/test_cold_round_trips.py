"""The round-trip budget of tasks that are not in memory: one to load, one to commit, whatever the turn brings about."""

import unittest
from typing import Any, Callable, Dict, List

from harness import FINAL, Node, template
from round_trips import poll, report, spent

COLD = {"load_tasks": 1, "commit_turns": 1}
DECISION = {"decision_point_outcome": {"type": "create_steps", "step_names": ["left", "right"]}}
BATCH = {"batch_processing_outcome": {"type": "create_batches", "worker_template_name": "part", "cursor_configs": [
    {"batch_id": f"{i:03}", "start_cursor": i, "end_cursor": i + 1, "batch_size": 1} for i in range(20)]}}


def routed() -> Dict[str, Any]:
    document = template("routed", {"first": [], "route": ["first"], "left": ["route"], "right": ["route"]})
    document["steps"][1]["type"] = "decision"
    return document


def batched() -> Dict[str, Any]:
    document = template("batched", {"plan": [], "part": ["plan"], "total": ["part"]})
    for step, kind in zip(document["steps"], ("batchable", "batch_worker", "deferred_convergence")):
        step["type"] = kind
    document["steps"][1]["batch_config"] = {"worker_template": "part"}
    return document


class ColdRoundTrips(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.node = Node("--limits-resident-tasks", "1", "--node-shards", "1")
        cls.addClassCleanup(cls.node.__exit__)
        cls.node.start()
        cls.client = cls.node.client()
        cls.addClassCleanup(lambda: cls.client.close())
        for document in (template("linear", {"s1": [], "s2": ["s1"]}), template("single", {"only": []}), routed(), batched()):
            cls.client.register_template(document)
            cls.client.register_template({**document, "namespace_name": "filler"})
        cls.node.count_statements()

    def setUp(self) -> None:
        self.filler = ""
        self.addCleanup(self.free)

    def fill(self) -> None:
        """A task that no worker takes up takes the one place in memory; whoever has it and can leave does."""
        self.filler = self.client.create_task("filler", "linear", {})["task_uuid"]

    def free(self) -> None:
        if self.filler:
            self.client.cancel_task(self.filler)

    def create(self, name: str) -> str:
        return self.client.create_task("sys", name, {})["task_uuid"]

    def create_cold(self, name: str) -> str:
        """A task that stays in its rows."""
        self.fill()
        return self.create(name)

    def costs(self, work: Callable[[], Any], cost: Dict[str, int]) -> None:
        self.assertEqual(spent(self, self.node, work), cost)

    def end(self, task: str) -> None:
        """Leaves nothing that a poll could find."""
        if self.client.get_task(task)["status"] not in FINAL:
            self.client.cancel_task(task)

    def held(self) -> List[Dict[str, Any]]:
        """The step that is next, of a task that is in its rows alone since a worker has it."""
        steps = poll(self.client)
        self.assertEqual(len(steps), 1)
        if not self.filler:
            self.fill()
        return steps

    def accepted(self, steps: List[Dict[str, Any]], **fields: Any) -> None:
        self.assertEqual(report(self.client, steps, **fields), ["accepted"])

    def step(self, task: str, name: str) -> str:
        """By the number in its id, so that nothing has to be read."""
        number = {"s1": 1, "s2": 2, "only": 1}[name]
        return f"{task[:-4]}{number:04x}"

    def test_a_result(self) -> None:
        task = self.create("linear")
        steps = self.held()
        self.costs(lambda: self.accepted(steps), COLD)
        self.end(task)

    def test_a_failure_with_its_back_off(self) -> None:
        task = self.create("linear")
        steps = self.held()
        self.costs(lambda: self.accepted(steps, success=False), COLD)
        self.end(task)

    def test_a_finalizing_result(self) -> None:
        task = self.create("single")
        steps = self.held()
        self.costs(lambda: self.accepted(steps), COLD)
        self.assertEqual(self.client.get_task(task)["status"], "complete")

    def test_a_batch_outcome(self) -> None:
        task = self.create("batched")
        steps = self.held()
        self.costs(lambda: self.accepted(steps, result=BATCH), COLD)
        self.assertEqual(self.client.get_task(task)["total_steps"], 22)
        self.end(task)

    def test_a_decision(self) -> None:
        task = self.create("routed")
        self.accepted(self.held())
        steps = self.held()
        self.assertEqual(steps[0]["name"], "route")
        self.costs(lambda: self.accepted(steps, result=DECISION), COLD)
        self.assertEqual(self.client.get_task(task)["total_steps"], 4)
        self.end(task)

    def test_a_cancellation(self) -> None:
        task = self.create_cold("linear")
        self.costs(lambda: self.client.cancel_task(task), COLD)
        self.assertEqual(self.client.get_task(task)["status"], "cancelled")

    def test_resolve_manually(self) -> None:
        task = self.create_cold("linear")
        self.costs(lambda: self.client.resolve_step(task, self.step(task, "s2"), "r", "x"), COLD)
        self.end(task)

    def test_complete_manually(self) -> None:
        task = self.create_cold("linear")
        self.costs(lambda: self.client.complete_step(task, self.step(task, "s1"), {"n": 1}, "r", "x"), COLD)
        self.end(task)

    def test_complete_manually_ends_the_task(self) -> None:
        task = self.create_cold("single")
        self.costs(lambda: self.client.complete_step(task, self.step(task, "only"), {"n": 1}, "r", "x"), COLD)
        self.assertEqual(self.client.get_task(task)["status"], "complete")

    def test_reset_for_retry(self) -> None:
        task = self.create("single")
        self.accepted(self.held(), success=False, error={"message": "m", "retryable": False})
        self.assertEqual(self.client.get_task(task)["status"], "error")  # over, so it leaves the memory
        self.costs(lambda: self.client.reset_step(task, self.step(task, "only"), "r", "x"), COLD)
        self.assertEqual(self.client.get_task(task)["status"], "steps_in_process")
        self.end(task)


if __name__ == "__main__":
    unittest.main()
