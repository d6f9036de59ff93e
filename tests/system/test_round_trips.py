"""The round-trip budget, exactly: by the database actor's own counters and by the log of the server."""

import pathlib
import re
import threading
import unittest
import urllib.request

from harness import FINAL, LINEAR, Node, WorkerProcess, template, wait_until
from round_trips import poll, report, spent

HANDLERS = pathlib.Path(__file__).with_name("handlers.py")
HUNDRED = {f"s{i}": [f"s{i - 1}"] if i % 10 else [] for i in range(100)}


class RoundTrips(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.node = Node("--node-shards", "2")
        cls.addClassCleanup(cls.node.__exit__)
        cls.node.start()
        with cls.node.client() as client:
            for name, steps in (("linear", LINEAR), ("hundred", HUNDRED)):
                client.register_template(template(name, steps))
        cls.node.count_statements()

    def spent(self, work) -> dict:
        return spent(self, self.node, work)

    def test_creation_is_one(self) -> None:
        with self.node.client() as client:
            for name in ("linear", "hundred"):
                cost = self.spent(lambda name=name: client.create_task("sys", name, {}))
                self.assertEqual(cost, {"create_tasks": 1}, name)

    def test_a_thousand_creations_are_one(self) -> None:
        with self.node.client() as client:
            for name in ("one", "two"):
                client.register_template(template(name, LINEAR, namespace="bulk"))
            tasks = [{"namespace": "bulk", "name": ("one", "two")[i % 2], "context": {"n": i // 4},
                      "identity_strategy": "strict"} for i in range(1000)]
            results = []
            self.assertEqual(self.spent(lambda: results.extend(client.create_tasks(tasks))), {"create_many": 1})
            self.assertEqual([r["status"] for r in results], [201, 201, 409, 409] * 250)
            self.assertEqual(self.spent(lambda: client.create_tasks(tasks)), {"create_many": 1})
            self.assertEqual(len({s["task_uuid"] for s in poll(client, "bulk", 1000)}), 500)

    def somebody_waits(self) -> bool:
        with urllib.request.urlopen(self.node.url + "/metrics") as answer:
            return re.search(rb'geartrain_admission_in_flight\{kind="wait"\} 1', answer.read()) is not None

    def test_waiting_for_the_end_is_free(self) -> None:
        with self.node.client() as client, self.node.client() as other:
            client.register_template(template("single", {"only": []}, namespace="waiting"))
            task = client.create_task("waiting", "single", {})["task_uuid"]
            held = poll(client, "waiting")
            seen = []
            waiting = threading.Thread(target=lambda: seen.append(other.get_task(task, wait=60)["status"]))

            def wait_and_end() -> None:
                waiting.start()
                wait_until("it waits", self.somebody_waits)
                report(client, held)
                waiting.join()

            self.assertEqual(self.spent(wait_and_end), {"commit_turns": 1})
            self.assertEqual(seen, ["complete"])

    def test_a_duplicate_creation_is_one(self) -> None:
        with self.node.client() as client:
            client.create_task("sys", "linear", {}, idempotency_key="k")

            def again() -> None:
                with self.assertRaisesRegex(Exception, "409"):
                    client.create_task("sys", "linear", {}, idempotency_key="k")

            self.assertEqual(self.spent(again), {"create_tasks": 1})

    def test_dispatch_is_free_and_a_resident_result_is_one_also_the_last(self) -> None:
        with self.node.client() as client:
            client.register_template(template("linear", LINEAR, namespace="byhand"))
            client.create_task("byhand", "linear", {})
            for _ in range(4):  # the fourth result also finalizes the task
                held = []
                self.assertEqual(self.spent(lambda: held.extend(poll(client, "byhand"))), {})
                self.assertEqual(len(held), 1)
                self.assertEqual(self.spent(lambda: self.assertEqual(report(client, held), ["accepted"])),
                                 {"commit_turns": 1})

    def test_reading_a_resident_task_and_its_correlation_id_is_free(self) -> None:
        with self.node.client() as client:
            client.register_template(template("linear", LINEAR, namespace="reading"))
            task = client.create_task("reading", "linear", {})["task_uuid"]
            self.assertEqual(self.spent(lambda: client.get_task(task)["correlation_id"]), {})
            self.assertEqual(self.spent(lambda: client.list_steps(task)), {})

    def test_results_of_one_task_in_one_call_share_a_turn(self) -> None:
        wide = {"root": [], **{f"leaf{i}": ["root"] for i in range(20)}}
        with self.node.client() as client:
            client.register_template(template("wide", wide, namespace="wide"))
            client.create_task("wide", "wide", {})
            report(client, poll(client, "wide"))
            leaves = poll(client, "wide", 100)
            self.assertEqual(len(leaves), 20)
            self.assertEqual(self.spent(lambda: report(client, leaves)), {"commit_turns": 1})

    def test_a_retry_costs_one_per_result_and_nothing_for_waiting(self) -> None:
        with WorkerProcess(self.node, "flaky", HANDLERS), self.node.client() as client:
            client.register_template(template("flaky", {"only": []}, namespace="flaky",
                                              retry={"backoff_base_ms": 1, "max_backoff_ms": 1}))

            def run() -> None:
                task = client.create_task("flaky", "flaky", {"failures": 2})["task_uuid"]
                wait_until("the task ends", lambda: client.get_task(task)["status"] in FINAL)

            cost = self.spent(run)
            cost.pop("load_tasks", None)  # reading a task that is over
            self.assertEqual(cost, {"create_tasks": 1, "commit_turns": 3})

    def test_turns_are_counted_by_their_round_trips(self) -> None:
        with self.node.client() as client:
            turns = client.telemetry("database")["turns"]
        self.assertEqual(sum(turns["by_round_trips"]), turns["count"])
        self.assertEqual(turns["by_round_trips"][2:], [0, 0, 0])

    def test_log_has_the_names_that_the_counters_have(self) -> None:
        text = self.node.postgres_log.read_text(errors="replace")
        self.assertTrue(re.search(r"execute create_tasks", text))


if __name__ == "__main__":
    unittest.main()
