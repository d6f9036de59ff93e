import unittest

from geartrain import ApiError, Client
from fake_node import FakeNode

TASK = {"task_uuid": "t-1", "status": "complete"}


class Calls(unittest.TestCase):
    def setUp(self):
        self.node = FakeNode()
        self.addCleanup(self.node.kill)
        self.client = Client(self.node.url)
        self.addCleanup(self.client.close)

    def answer(self, method, target, body, status=200):
        self.node.routes[(method, target)] = (status, body)

    def sent(self):
        return self.node.requests[-1][1]

    def test_create_task(self):
        self.answer("POST", "/v1/tasks", TASK, 201)
        task = self.client.create_task("shop", "order", {"id": 1}, version="1.0.0", priority=5, tags=["x"])
        self.assertEqual(task, TASK)
        self.assertEqual(
            self.sent(),
            {
                "initiator": "geartrain-python",
                "source_system": "geartrain-python",
                "priority": 5,
                "tags": ["x"],
                "namespace": "shop",
                "name": "order",
                "context": {"id": 1},
                "version": "1.0.0",
            },
        )

    def test_a_conflict_names_the_task(self):
        error = {"error": {"code": "CONFLICT", "message": "exists", "details": [{"task_uuid": "t-1"}]}}
        self.answer("POST", "/v1/tasks", error, 409)
        with self.assertRaises(ApiError) as caught:
            self.client.create_task("shop", "order")
        self.assertEqual((caught.exception.status, caught.exception.code), (409, "CONFLICT"))
        self.assertEqual(caught.exception.details, [{"task_uuid": "t-1"}])

    def test_reads(self):
        self.answer("GET", "/v1/tasks/t-1", TASK)
        self.answer("GET", "/v1/tasks?page=2&per_page=5&status=complete", {"tasks": [TASK]})
        self.answer("GET", "/v1/tasks/t-1/workflow_steps", [{"name": "a"}])
        self.answer("GET", "/v1/tasks/t-1/workflow_steps/s-1", {"name": "a"})
        self.answer("GET", "/v1/templates?namespace=shop", {"templates": []})
        self.answer("GET", "/v1/templates/shop/order/1.0.0", {"name": "order"})
        self.answer("GET", "/health/ready", {"status": "healthy"})
        self.answer("GET", "/v1/telemetry/database", {"total_round_trips": 1})
        self.answer("DELETE", "/v1/tasks/t-1", TASK)
        self.assertEqual(self.client.get_task("t-1"), TASK)
        self.assertEqual(self.client.list_tasks(page=2, per_page=5, status="complete"), {"tasks": [TASK]})
        self.assertEqual(self.client.list_steps("t-1"), [{"name": "a"}])
        self.assertEqual(self.client.get_step("t-1", "s-1"), {"name": "a"})
        self.assertEqual(self.client.list_templates("shop"), {"templates": []})
        self.assertEqual(self.client.get_template("shop", "order", "1.0.0"), {"name": "order"})
        self.assertEqual(self.client.health(), {"status": "healthy"})
        self.assertEqual(self.client.telemetry(), {"total_round_trips": 1})
        self.assertEqual(self.client.cancel_task("t-1"), TASK)
        self.assertEqual(self.node.connections, 1)

    def test_templates_as_yaml_or_mapping(self):
        self.answer("POST", "/v1/templates", {"digest": "d"}, 201)
        self.assertEqual(self.client.register_template("name: ä\n"), {"digest": "d"})
        self.assertEqual(self.sent(), "name: ä\n")
        self.client.register_template({"name": "ä"})
        self.assertEqual(self.sent(), {"name": "ä"})

    def test_wait_for_task(self):
        states = iter(["pending", "steps_in_process", "error"])
        self.client.get_task = lambda _task: {"status": next(states)}
        self.assertEqual(self.client.wait_for_task("t-1", interval=0)["status"], "error")
        self.client.get_task = lambda _task: {"status": "pending"}
        with self.assertRaises(TimeoutError):
            self.client.wait_for_task("t-1", timeout=0, interval=0)

    def test_unknown_and_overloaded(self):
        with self.assertRaises(ApiError) as caught:
            self.client.get_task("../x?y")
        self.assertEqual(self.node.requests[-1][0], "/v1/tasks/..%2Fx%3Fy")
        self.assertEqual(caught.exception.code, "NOT_FOUND")
        self.node.failures.append((503, {"Retry-After": "7"}))
        with self.assertRaises(ApiError) as caught:
            self.client.create_task("a", "b")
        self.assertEqual((caught.exception.status, caught.exception.retry_after), (503, 7))

    def test_a_read_is_repeated_after_a_broken_connection_but_a_creation_is_not(self):
        self.answer("GET", "/v1/tasks/t-1", TASK)
        self.answer("POST", "/v1/tasks", TASK, 201)
        self.node.lose_answers = 1
        self.assertEqual(self.client.get_task("t-1"), TASK)
        self.node.lose_answers = 1
        with self.assertRaises(ApiError) as caught:
            self.client.create_task("a", "b")
        self.assertEqual((caught.exception.status, caught.exception.code), (0, "NO_ANSWER"))
        self.assertEqual(self.node.count("/v1/tasks"), 1)
