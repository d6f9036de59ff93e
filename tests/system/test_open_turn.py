"""Results that come while a turn of their task is open. The turn is held open by a lock on what it has to write."""

import collections
import re
import subprocess
import threading
import unittest
import urllib.request
from typing import Any, Callable, Dict, List

from harness import Node, template, wait_until
from round_trips import poll

LEAVES = 40


class LockedAttempts:
    """Nothing can be written to `attempts` until `release`."""

    def __init__(self, node: Node) -> None:
        self.psql = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", node.dsn()], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        self.say("BEGIN; LOCK TABLE geartrain.attempts IN EXCLUSIVE MODE; SELECT 'locked';")
        assert self.psql.stdout is not None and self.psql.stdout.readline() == "locked\n"

    def say(self, statements: str) -> None:
        assert self.psql.stdin is not None
        self.psql.stdin.write(statements + "\n")
        self.psql.stdin.flush()

    def release(self) -> None:
        self.psql.communicate("COMMIT;\n", timeout=30)


class OpenTurn(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.node = Node("--node-shards", "1")
        cls.addClassCleanup(cls.node.__exit__)
        cls.node.start()
        cls.client = cls.node.client()
        cls.addClassCleanup(lambda: cls.client.close())
        leaves = {f"leaf{i:02}": [] for i in range(LEAVES)}
        cls.client.register_template(template("wide", {**leaves, "join": list(leaves)}))

    def reports_inside(self) -> int:
        with urllib.request.urlopen(self.node.url + "/metrics") as answer:
            found = re.search(rb'geartrain_admission_in_flight\{kind="report"\} (\d+)', answer.read())
        return int(found.group(1)) if found else 0

    def processor(self) -> Dict[str, Any]:
        return next(a for a in self.client.telemetry("actors")["actors"] if a["type"] == "result_processor")

    def test_each_counts_once_and_those_that_came_meanwhile_share_a_turn(self) -> None:
        task = self.client.create_task("sys", "wide", {})["task_uuid"]
        steps = poll(self.client, count=LEAVES)
        self.assertEqual(len(steps), LEAVES)
        answers: Dict[str, List[str]] = collections.defaultdict(list)

        def post(step: Dict[str, Any]) -> None:
            item = {"step_uuid": step["step_uuid"], "lease_token": step["lease_token"], "success": True, "result": step["name"]}
            answer = self.client._json("POST", "/v1/workers/results", {"worker_id": "hand", "results": [item]})
            answers[step["name"]].append(answer["results"][0]["status"])

        threads: List[threading.Thread] = []

        def send(step: Dict[str, Any]) -> None:
            threads.append(threading.Thread(target=post, args=(step,)))
            threads[-1].start()

        def eventually(what: str, condition: Callable[[], bool]) -> None:
            wait_until(what, condition, deadline_seconds=20, interval=0.01)

        before, handled = self.node.round_trips(), self.processor()["handled"]
        lock = LockedAttempts(self.node)
        try:
            send(steps[0])
            eventually("the turn of the first is being written", lambda: self.node.database()["in_flight"] > 0)
            for step in steps[1:]:
                send(step)
                send(step)  # a worker that got no answer sends again
            sent = 2 * LEAVES - 1
            eventually("all are inside", lambda: self.reports_inside() == sent)
            eventually("all reached their task", lambda: self.processor()["handled"] >= handled + sent)
            self.assertEqual(dict(answers), {})
        finally:
            lock.release()
            for thread in threads:
                thread.join(60)
        spent = self.node.round_trips()["commit_turns"] - before["commit_turns"]
        self.assertEqual(answers.pop(steps[0]["name"]), ["accepted"])
        self.assertEqual({name: sorted(got) for name, got in answers.items()},
                         {step["name"]: ["accepted", "duplicate"] for step in steps[1:]})
        self.assertEqual(spent, 2)

        join = poll(self.client)
        self.assertEqual(join[0]["dependency_results"], {step["name"]: {"result": step["name"]} for step in steps})
        post(join[0])
        ended = self.client.get_task(task)
        self.assertEqual((ended["status"], ended["completed_steps"]), ("complete", LEAVES + 1))
        self.assertEqual(self.node.sql(f"SELECT count(*), count(DISTINCT step) FROM geartrain.attempts WHERE task_id = '{task}' "
                                       "AND outcome > 0"), [[str(LEAVES + 1), str(LEAVES + 1)]])


if __name__ == "__main__":
    unittest.main()
