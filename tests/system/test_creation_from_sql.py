"""Tasks that users' own transactions ask for: taken over when the database says so, or when the node looks by itself."""

import time
import unittest
from typing import Any, Dict, List

from harness import Node, template, wait_until

PROMPTLY_SECONDS = 10.0
INTERVAL_SECONDS = 60.0


class CreationFromSql(unittest.TestCase):
    def node(self, *arguments: str) -> Node:
        node = Node(*arguments)
        self.addCleanup(node.__exit__)
        node.start()
        with node.client() as client:
            client.register_template(template("single", {"only": []}))
        return node

    def ask(self, node: Node, name: str, context: str, options: str = "{}") -> str:
        return node.sql(f"SELECT geartrain.create_task('sys', '{name}', NULL, '{context}', '{options}')")[0][0]

    def tasks(self, node: Node, tag: str) -> List[Dict[str, Any]]:
        with node.client() as client:
            return client.list_tasks(namespace="sys", tag=tag)["tasks"]

    def taken_over_in(self, node: Node, tag: str, deadline_seconds: float) -> float:
        """Seconds until the task that is asked for can be read."""
        self.ask(node, "single", '{"n": 1}', f'{{"tags": ["{tag}"]}}')
        asked = time.monotonic()
        found = wait_until("the task exists", lambda: self.tasks(node, tag), deadline_seconds, 0.01)
        taken = time.monotonic() - asked
        self.assertEqual(found[0]["context"], {"n": 1})
        self.assertEqual(node.sql("SELECT count(*) FROM geartrain.task_requests"), [["0"]])
        return taken

    def test_a_notification_wakes_the_node_long_before_it_would_look(self) -> None:
        node = self.node("--tasks-inbox-interval-ms", str(int(INTERVAL_SECONDS * 1000)))
        looked = node.round_trips()["read_inbox"]
        taken = [self.taken_over_in(node, f"t{i}", PROMPTLY_SECONDS) for i in range(5)]
        print(f"by notification: {', '.join(f'{1000 * t:.0f} ms' for t in taken)}; the node looks every {INTERVAL_SECONDS:.0f} s")
        self.assertGreaterEqual(node.round_trips()["read_inbox"] - looked, 5)

    def test_without_notifications_the_node_looks_by_itself(self) -> None:
        node = self.node("--tasks-inbox-interval-ms", "500", "--database-listen-url",
                         "host=127.0.0.1 port=1 user=geartrain dbname=postgres connect_timeout=1")
        taken = [self.taken_over_in(node, f"t{i}", 0.5 + PROMPTLY_SECONDS) for i in range(3)]
        print(f"without a listener: {', '.join(f'{1000 * t:.0f} ms' for t in taken)}; the node looks every 500 ms")

    def test_a_transaction_that_is_rolled_back_asks_for_nothing(self) -> None:
        node = self.node("--tasks-inbox-interval-ms", "500")
        node.sql("BEGIN; SELECT geartrain.create_task('sys', 'single', NULL, '{}', '{\"tags\": [\"never\"]}'); ROLLBACK")
        self.taken_over_in(node, "later", PROMPTLY_SECONDS)
        self.assertEqual(self.tasks(node, "never"), [])

    def test_what_cannot_become_a_task_is_a_dead_letter_that_says_why(self) -> None:
        node = self.node()
        unknown = self.ask(node, "nowhere", '{"n": 1}')
        urgent = self.ask(node, "single", '{"n": 2}', '{"priority": 1000}')
        with node.client() as client:
            cases = wait_until("both are cases", lambda: (lambda found: found if len(found) == 2 else None)(
                client.list_dead_letters(resolution_status="pending")), PROMPTLY_SECONDS)
        by_request = {case["task_snapshot"]["request_uuid"]: case for case in cases}
        self.assertEqual(set(by_request), {unknown, urgent})
        for case in cases:
            self.assertEqual(case["dlq_reason"], "invalid_request")
            self.assertIsNone(case["task_uuid"])
        self.assertIn("nowhere", by_request[unknown]["metadata"]["message"])
        self.assertIn("priority", by_request[urgent]["metadata"]["message"])
        self.assertEqual(by_request[urgent]["task_snapshot"]["context"], {"n": 2})


if __name__ == "__main__":
    unittest.main()
