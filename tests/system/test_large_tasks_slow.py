"""Tasks of ten thousand steps: wide ones, long ones and batches. A turn costs the same in all of them."""

import pathlib
import time
import unittest
from typing import Any, Dict, List

from harness import Node

SIZE = 10000


def step(name: str, dependencies: List[str], **keys: Any) -> Dict[str, Any]:
    return {"name": name, "dependencies": dependencies, "handler": {"callable": "x"}, **keys}


def fan(width: int) -> List[Dict[str, Any]]:
    middle = [f"m{i}" for i in range(width)]
    return [step("first", []), *(step(name, ["first"]) for name in middle), step("last", middle)]


def chain(length: int) -> List[Dict[str, Any]]:
    return [step(f"s{i}", [f"s{i - 1}"] if i else []) for i in range(length)]


def resident_mb(pid: int) -> float:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


class LargeTasks(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.node = Node("--server-body-limit-bytes", "16777216")
        cls.addClassCleanup(cls.node.__exit__)
        cls.node.start()
        cls.client = cls.node.client()

    def register(self, name: str, steps: List[Dict[str, Any]]) -> None:
        self.client.register_template(
            {"name": name, "namespace_name": "large", "version": "1.0.0", "steps": steps})

    def work(self, task: str, last: str, result) -> int:
        """Runs the task to its end, up to a thousand steps an exchange; gives the number of executions."""
        done, reports = 0, []
        while True:
            answer = self.client._json("POST", "/v1/workers/poll", {
                "worker_id": "w", "namespaces": ["large"], "max_steps": 1000, "wait_ms": 20000, "results": reports})
            self.assertEqual({r["status"] for r in answer.get("results", [])} - {"accepted"}, set())
            reports = [{"step_uuid": s["step_uuid"], "lease_token": s["lease_token"], "success": True,
                        "result": result(s)} for s in answer["steps"]]
            done += len(reports)
            if any(s["name"] == last for s in answer["steps"]):
                self.client._json("POST", "/v1/workers/results", {"worker_id": "w", "results": reports})
                self.assertEqual(self.client._json("GET", f"/v1/tasks/{task}/summary")["task"]["status"], "complete")
                return done

    def run_task(self, name: str, last: str = "last", result=lambda s: 1) -> float:
        """Seconds per step."""
        task = self.client.create_task("large", name, {}, identity_strategy="always_unique")["task_uuid"]
        begin = time.monotonic()
        done = self.work(task, last, result)
        seconds = time.monotonic() - begin
        print(f"{name}: {done} steps in {seconds:.2f} s, {1000 * seconds / done:.3f} ms a step, "
              f"node {resident_mb(self.node.process.pid):.0f} MB")
        return seconds / done

    def test_fan_out_and_in(self) -> None:
        self.register("fan", fan(SIZE - 2))
        self.run_task("fan")

    def test_chain(self) -> None:
        self.register("chain", chain(SIZE))
        self.register("short", chain(100))
        self.run_task("short", "s99")
        short, long = self.run_task("short", "s99"), self.run_task("chain", f"s{SIZE - 1}")
        print(f"chain: a step of {SIZE} costs {long / short:.2f} times a step of 100")

    def test_batch(self) -> None:
        self.register("batch", [
            step("plan", [], type="batchable"),
            step("work", ["plan"], type="batch_worker",
                 batch_config={"worker_template": "work", "parallelism": 1000, "batch_size": 10}),
            step("last", ["work"], type="deferred_convergence")])
        cursors = [{"batch_id": f"{i:05}", "start_cursor": i, "end_cursor": i + 1, "batch_size": 1}
                   for i in range(SIZE)]
        outcome = {"batch_processing_outcome": {"type": "create_batches", "worker_template_name": "work",
                                                "worker_count": SIZE, "cursor_configs": cursors, "total_items": SIZE}}

        def result(s: Dict[str, Any]) -> Any:
            if s["name"] == "plan":
                return outcome
            return len(s["dependency_results"]) if s["name"] == "last" else s["inputs"]["cursor"]["start_cursor"]

        self.run_task("batch", result=result)


if __name__ == "__main__":
    unittest.main()
