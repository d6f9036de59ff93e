"""kill -9 of a worker in the middle of a step, and results that come too late."""

import pathlib
import unittest

from harness import FINAL, Node, WorkerProcess, read_ledger, template, wait_until

HANDLERS = pathlib.Path(__file__).with_name("handlers.py")


class WorkerKilled(unittest.TestCase):
    def test_the_lease_expires_and_the_step_runs_again(self) -> None:
        node = Node("--lease-ms", "4000")
        ledger = node.directory / "ledger"
        environment = {"GEARTRAIN_LEDGER": str(ledger)}
        with node, node.client() as client:
            client.register_template(template("one", {"only": []}))
            task = client.create_task("sys", "one", {"run_ms": 60000})["task_uuid"]
            victim = WorkerProcess(node, "sys", HANDLERS, environment=environment)
            wait_until("the handler runs", lambda: read_ledger(ledger))
            victim.kill9()
            self.assertEqual(client.get_task(task)["status"], "steps_in_process")

            def taken_again() -> list:
                return client._json("POST", "/v1/workers/poll", {"worker_id": "second", "namespaces": ["sys"],
                                                                 "wait_ms": 1000})["steps"]

            held = wait_until("the step comes again", taken_again, 30)[0]
            self.assertEqual(held["attempt"], 2)
            self.assertEqual(held["previous_error"]["error_type"], "lease_expired")
            self.assertEqual(self.report(client, held), "accepted")
            wait_until("the task ends", lambda: client.get_task(task)["status"] in FINAL)
            step = client.list_steps(task)[0]
            self.assertEqual((step["current_state"], step["attempts"]), ("complete", 2))

    def test_an_outdated_token_is_stale_and_audited(self) -> None:
        with Node("--lease-ms", "4000") as node, node.client() as client:
            client.register_template(template("one", {"only": []}))
            client.create_task("sys", "one", {})

            def take() -> list:
                return client._json("POST", "/v1/workers/poll", {"worker_id": "w", "namespaces": ["sys"],
                                                                 "wait_ms": 5000})["steps"]

            late = take()[0]
            current = wait_until("the lease expires", take, 30)[0]
            self.assertNotEqual(late["lease_token"], current["lease_token"])
            self.assertEqual(self.report(client, late), "stale")
            self.assertEqual(self.report(client, current), "accepted")
            self.assertEqual(self.report(client, late), "stale")
            self.assertEqual(self.report(client, current), "duplicate")
            self.assertEqual(node.sql("SELECT count(*) FROM geartrain.refused_reports"), [["2"]])
            self.assertEqual(node.sql("SELECT attempt, outcome FROM geartrain.attempts ORDER BY attempt"),
                             [["1", "4"], ["2", "1"]])

    def report(self, client, held: dict) -> str:
        item = {"step_uuid": held["step_uuid"], "lease_token": held["lease_token"], "success": True, "result": {}}
        answer = client._json("POST", "/v1/workers/results", {"worker_id": "w", "results": [item]})
        return answer["results"][0]["status"]


if __name__ == "__main__":
    unittest.main()
