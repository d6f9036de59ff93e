"""More open tasks than fit into memory: they wait in the database, in nobody's way, or are refused if that is what was asked for."""

import json
import pathlib
import subprocess
import unittest
import urllib.error
import urllib.request
from typing import Any, Dict, Tuple

from harness import ROOT, Node, WorkerProcess, template, wait_until

HANDLERS = pathlib.Path(__file__).with_name("handlers.py")
FITS = ("--limits-resident-tasks", "20", "--node-shards", "1")
SINGLE: Dict[str, list] = {"only": []}


def create(node: Node, namespace: str) -> Tuple[int, Dict[str, str], Dict[str, Any]]:
    """Status, headers and body of a creation."""
    body = json.dumps({"namespace": namespace, "name": "single", "context": {}}).encode()
    request = urllib.request.Request(node.url + "/v1/tasks", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, dict(refused.headers), json.load(refused)


def completed(node: Node) -> int:
    return int(node.sql("SELECT count(*) FROM geartrain.tasks WHERE state = 8")[0][0])


class MoreThanFits(unittest.TestCase):
    def test_tasks_without_a_worker_are_in_nobodys_way_and_lose_nothing(self) -> None:
        with Node(*FITS) as node, node.client() as client:
            for namespace in ("crowd", "sys"):
                client.register_template({**template("single", SINGLE), "namespace_name": namespace})
            made = client.create_tasks({"namespace": "crowd", "name": "single", "context": {}} for _ in range(200))
            self.assertTrue(all(item["status"] == 201 for item in made))
            with WorkerProcess(node, "sys", HANDLERS):
                for _ in range(5):
                    one = client.create_task("sys", "single", {})["task_uuid"]
                    self.assertEqual(client.wait_for_task(one)["status"], "complete")
            with WorkerProcess(node, "crowd", HANDLERS):
                wait_until("all of the crowd complete", lambda: completed(node) == 205)

    def test_a_node_that_refuses_says_so_early_and_completes_what_it_took(self) -> None:
        with Node(*FITS, "--limits-when-full", "refuse") as node, node.client() as client:
            client.register_template(template("single", SINGLE))
            taken = 0
            while (answer := create(node, "sys"))[0] == 201:
                taken += 1
                self.assertLess(taken, 40)
            status, headers, body = answer
            self.assertEqual((status, body["error"]["code"]), (503, "BACKPRESSURE"))
            self.assertEqual(headers["Retry-After"], "1")
            with WorkerProcess(node, "sys", HANDLERS):
                wait_until("all that were taken complete", lambda: completed(node) == taken)
                wait_until("it takes tasks again", lambda: create(node, "sys")[0] == 201)

    def test_a_start_with_more_open_tasks_than_fit(self) -> None:
        """They are added by the script of the benchmark, which is thereby shown to add what the engine would have."""
        with Node(*FITS) as node, node.client() as client:
            client.register_template(template("single", SINGLE))
            with WorkerProcess(node, "sys", HANDLERS):
                client.wait_for_task(client.create_task("sys", "single", {})["task_uuid"])
            subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", "first=1", "-v", "last=150",
                            "-f", str(ROOT / "bench" / "open.sql"), node.dsn()], check=True, stdout=subprocess.DEVNULL)
            node.stop()
            node.start()
            with WorkerProcess(node, "parked", HANDLERS):
                wait_until("all that were added complete", lambda: completed(node) == 151)


if __name__ == "__main__":
    unittest.main()
