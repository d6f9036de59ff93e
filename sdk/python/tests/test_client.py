import threading
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

    def test_acts(self):
        step = "/v1/tasks/t-1/workflow_steps/s-1"
        client, note = self.client, {"reason": "why", "by": "ada"}
        calls = [
            ("DELETE", "/v1/tasks/t-1", lambda: client.cancel_task("t-1", **note), {"reason": "why", "cancelled_by": "ada"}),
            ("POST", "/v1/tasks/t-1/pause", lambda: client.pause_task("t-1", **note), note),
            ("POST", "/v1/tasks/t-1/resume", lambda: client.resume_task("t-1"), {}),
            ("POST", "/v1/namespaces/shop/pause", lambda: client.pause("shop", **note), note),
            ("POST", "/v1/templates/shop/order/resume", lambda: client.resume("shop", "order"), {}),
            ("PATCH", step, lambda: client.reset_step("t-1", "s-1", **note),
             {"action_type": "reset_for_retry", "reason": "why", "reset_by": "ada"}),
            ("PATCH", step, lambda: client.resolve_step("t-1", "s-1", **note),
             {"action_type": "resolve_manually", "reason": "why", "resolved_by": "ada"}),
            ("PATCH", step, lambda: client.complete_step("t-1", "s-1", {"n": 1}, metadata={"k": 2}, **note),
             {"action_type": "complete_manually", "completion_data": {"result": {"n": 1}, "metadata": {"k": 2}},
              "reason": "why", "completed_by": "ada"}),
            ("POST", "/v1/dlq/task/t-1", lambda: client.open_dead_letter("t-1", **note), {"reason": "why", "opened_by": "ada"}),
            ("PATCH", "/v1/dlq/entry/e-1", lambda: client.update_dead_letter("e-1", resolution_status="cancelled"),
             {"resolution_status": "cancelled"}),
            ("POST", "/v1/dlq/entry/e-1/redrive", lambda: client.redrive("e-1", **note), {"reason": "why", "redriven_by": "ada"}),
        ]
        for method, path, call, body in calls:
            self.answer(method, path, TASK)
            self.assertEqual(call(), TASK, path)
            self.assertEqual(self.node.requests[-1], (path, body))

    def test_reads_of_operators(self):
        reads = {
            "/v1/tasks/t-1/summary": lambda: self.client.task_summary("t-1"),
            "/v1/tasks/t-1/workflow_steps/s-1/audit": lambda: self.client.step_audit("t-1", "s-1"),
            "/v1/dlq": lambda: self.client.list_dead_letters(),
            "/v1/dlq?resolution_status=pending&limit=5": lambda: self.client.list_dead_letters(resolution_status="pending", limit=5),
            "/v1/dlq/task/t-1": lambda: self.client.get_dead_letter("t-1"),
            "/v1/tasks?page=1&per_page=25&tag=a&tag=b": lambda: self.client.list_tasks(tag=["a", "b"]),
        }
        for path, call in reads.items():
            self.answer("GET", path, [path])
            self.assertEqual(call(), [path])
        self.answer("GET", "/v1/events?namespace=shop&after=7&limit=100", {"events": [1]})
        self.assertEqual(self.client.list_events("shop", after=7), [1])

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
        self.node.tell("t-1")
        waiting = threading.Thread(target=lambda: results.append(self.client.wait_for_task("t-1")))
        results = []
        waiting.start()
        self.node.wait_for(lambda: self.node.waiting == 1, "the client waits")
        self.node.tell("t-1", status="steps_in_process")
        self.node.tell("t-1", status="error")
        waiting.join()
        self.assertEqual(results[0]["status"], "error")
        self.assertEqual([path for path, _ in self.node.requests], ["/v1/tasks/t-1?wait_ms=20000"])
        self.node.tell("t-2")
        with self.assertRaisesRegex(TimeoutError, "t-2 is still pending"):
            self.client.wait_for_task("t-2", timeout=0.01)
        with self.assertRaises(TimeoutError):
            self.client.wait_for_task("t-2", timeout=0)

    def test_a_node_that_does_not_wait_is_asked_again(self):
        self.node.patient = False
        self.node.tell("t-1")
        states = iter(["steps_in_process", "steps_in_process", "complete", "complete"])
        exchange = self.client._exchange

        def ask_and_go_on(*arguments):
            answer = exchange(*arguments)
            self.node.tell("t-1", status=next(states))
            return answer

        self.client._exchange = ask_and_go_on
        self.assertEqual(self.client.wait_for_task("t-1", interval=0)["status"], "complete")
        self.assertEqual(len(self.node.requests), 4)

    def test_a_wait_may_be_longer_than_the_timeout(self):
        hasty = Client(self.node.url, timeout=0.2)
        self.addCleanup(hasty.close)
        self.node.tell("t-1")
        self.assertEqual(hasty.get_task("t-1", wait=0.5)["status"], "pending")
        self.assertEqual(len(self.node.requests), 1)

    def test_create_tasks(self):
        given = [
            {"namespace": "shop", "name": "order", "context": {"id": 1}, "idempotency_key": "k"},
            {"namespace": "shop", "context": {"id": 2}},
            {"namespace": "shop", "name": "order", "initiator": "me", "idempotency_key": "k"},
        ]
        results = self.client.create_tasks(iter(given))
        self.assertEqual([result["status"] for result in results], [201, 400, 409])
        self.assertEqual(results[2]["error"]["details"], [{"task_uuid": results[0]["task_uuid"]}])
        who = {"initiator": "geartrain-python", "source_system": "geartrain-python"}
        self.assertEqual(self.sent(), {"tasks": [{**who, **task} for task in given]})
        with self.assertRaises(ApiError) as caught:
            self.client.create_tasks([])
        self.assertEqual(caught.exception.code, "BAD_REQUEST")

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
