"""The round-trip budget, exactly: by the database actor's own counters and by the log of the server."""

import pathlib
import re
import threading
import unittest
import urllib.request

from harness import FINAL, LINEAR, Node, WorkerProcess, template, wait_until

HANDLERS = pathlib.Path(__file__).with_name("handlers.py")
HUNDRED = {f"s{i}": [f"s{i - 1}"] if i % 10 else [] for i in range(100)}

# What a node asks by itself from time to time: foreign templates, overdue tasks, pauses, the inbox.
BACKGROUND_OPERATIONS = ("fetch_templates", "overdue_tasks", "read_pauses", "read_inbox")
BACKGROUND_STATEMENTS = ("templates_since", "overdue_tasks", "read_pauses", "read_inbox")


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
        """What `work` cost by the counters, after it was compared with the server's log."""
        before, offset = self.node.round_trips(), self.node.postgres_log.stat().st_size
        work()
        after = self.node.round_trips()
        spent = {name: count - before[name] for name, count in after.items() if count != before[name]}
        ours = [e for e in self.node.executed(offset) if e["statement"] not in BACKGROUND_STATEMENTS]
        for operation in BACKGROUND_OPERATIONS:
            spent.pop(operation, None)
        transactions = {e["transaction"] for e in ours}
        self.assertEqual(sum(spent.values()), len(transactions), f"counters {spent}, server {ours}")
        return spent

    def test_creation_is_one(self) -> None:
        with self.node.client() as client:
            for name in ("linear", "hundred"):
                spent = self.spent(lambda name=name: client.create_task("sys", name, {}))
                self.assertEqual(spent, {"create_tasks": 1}, name)

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
            self.assertEqual(len({s["task_uuid"] for s in self.poll(client, "bulk", 1000)}), 500)

    def somebody_waits(self) -> bool:
        with urllib.request.urlopen(self.node.url + "/metrics") as answer:
            return re.search(rb'geartrain_admission_in_flight\{kind="wait"\} 1', answer.read()) is not None

    def test_waiting_for_the_end_is_free(self) -> None:
        with self.node.client() as client, self.node.client() as other:
            client.register_template(template("single", {"only": []}, namespace="waiting"))
            task = client.create_task("waiting", "single", {})["task_uuid"]
            held = self.poll(client, "waiting")
            seen = []
            waiting = threading.Thread(target=lambda: seen.append(other.get_task(task, wait=60)["status"]))

            def wait_and_end() -> None:
                waiting.start()
                wait_until("it waits", self.somebody_waits)
                self.report(client, held)
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

    def poll(self, client, namespace="sys", count=1):
        return client._json("POST", "/v1/workers/poll",
                            {"worker_id": "hand", "namespaces": [namespace], "max_steps": count})["steps"]

    def report(self, client, steps, success=True):
        items = [{"step_uuid": s["step_uuid"], "lease_token": s["lease_token"], "success": success, "result": {"n": 1}}
                 for s in steps]
        answer = client._json("POST", "/v1/workers/results", {"worker_id": "hand", "results": items})
        return [row["status"] for row in answer["results"]]

    def test_dispatch_is_free_and_a_resident_result_is_one_also_the_last(self) -> None:
        with self.node.client() as client:
            client.register_template(template("linear", LINEAR, namespace="byhand"))
            client.create_task("byhand", "linear", {})
            for _ in range(4):  # the fourth result also finalizes the task
                held = []
                self.assertEqual(self.spent(lambda: held.extend(self.poll(client, "byhand"))), {})
                self.assertEqual(len(held), 1)
                self.assertEqual(self.spent(lambda: self.assertEqual(self.report(client, held), ["accepted"])),
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
            self.report(client, self.poll(client, "wide"))
            leaves = self.poll(client, "wide", 100)
            self.assertEqual(len(leaves), 20)
            self.assertEqual(self.spent(lambda: self.report(client, leaves)), {"commit_turns": 1})

    def test_a_cold_result_is_two(self) -> None:
        with Node("--limits-resident-tasks", "1", "--node-shards", "1") as small:
            with small.client() as client:
                client.register_template(template("linear", LINEAR))
                client.create_task("sys", "linear", {})  # fills the memory
                client.create_task("sys", "linear", {})  # stays in its rows
                held = self.poll(client, count=2)
                self.assertEqual(len(held), 2)
                before = small.round_trips()
                self.assertEqual(self.report(client, [held[1]]), ["accepted"])
                after = small.round_trips()
                spent = {name: after[name] - before[name] for name in after
                         if after[name] != before[name] and name not in BACKGROUND_OPERATIONS}
                self.assertEqual(spent, {"load_tasks": 1, "commit_turns": 1})

    def test_a_retry_costs_one_per_result_and_nothing_for_waiting(self) -> None:
        with WorkerProcess(self.node, "flaky", HANDLERS), self.node.client() as client:
            client.register_template(template("flaky", {"only": []}, namespace="flaky",
                                              retry={"backoff_base_ms": 1, "max_backoff_ms": 1}))

            def run() -> None:
                task = client.create_task("flaky", "flaky", {"failures": 2})["task_uuid"]
                wait_until("the task ends", lambda: client.get_task(task)["status"] in FINAL)

            spent = self.spent(run)
            spent.pop("load_tasks", None)  # reading a task that is over
            self.assertEqual(spent, {"create_tasks": 1, "commit_turns": 3})

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
