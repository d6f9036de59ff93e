import logging
import threading
import unittest

import geartrain
from geartrain import Registry, Worker
from fake_node import DEADLINE, FakeNode


class WorkerCase(unittest.TestCase):
    """A fake node, and workers that are always brought to an end."""

    def setUp(self):
        logging.getLogger("geartrain").setLevel(logging.CRITICAL)
        self.addCleanup(logging.getLogger("geartrain").setLevel, logging.NOTSET)
        self.node = FakeNode()
        self.addCleanup(self.node.kill)
        self.registry = Registry()

    def start(self, **options):
        options.setdefault("concurrency", 1)
        options.setdefault("drain_seconds", DEADLINE)
        worker = Worker(self.node.url, ["test"], self.registry, **options)
        drained = []
        thread = threading.Thread(target=lambda: drained.append(worker.run()), daemon=True)
        thread.start()

        def end():
            worker.stop()
            thread.join(DEADLINE)
            self.assertFalse(thread.is_alive(), "the worker did not end")
            return drained[0]

        self.addCleanup(end)
        worker.end = end
        return worker

    def gate(self, name):
        """A handler that waits for the test; returns (entered, leave)."""
        entered, leave = threading.Event(), threading.Event()

        @self.registry.handler(name)
        def wait(context):
            entered.set()
            return {"left": leave.wait(DEADLINE), "attempt": context.attempt}

        self.addCleanup(leave.set)
        return entered, leave


class Running(WorkerCase):
    def test_results_ride_on_polls(self):
        self.registry.register("double", lambda context: {"n": 2 * context.get_input("n")})
        steps = [self.node.offer("double", {"n": n}) for n in range(20)]
        worker = self.start(worker_id="w-1", poll_wait_ms=30000)
        results = [self.node.wait_for_result(step)["result"] for step in steps]
        self.assertEqual(results, [{"n": 2 * n} for n in range(20)])
        # One exchange a step, and the one that still waits; all on one connection.
        self.assertEqual(len(self.node.requests), 21)
        self.assertEqual(self.node.connections, 1)
        path, body = self.node.requests[5]
        self.assertEqual(path, "/v1/workers/poll")
        self.assertEqual(
            {key: body[key] for key in ("worker_id", "namespaces", "handlers", "max_steps", "wait_ms")},
            {"worker_id": "w-1", "namespaces": ["test"], "handlers": ["double"], "max_steps": 1, "wait_ms": 30000},
        )
        self.assertEqual(len(body["results"]), 1)
        self.assertTrue(worker.end())
        self.assertEqual((worker.counts["run"], worker.counts["accepted"]), (20, 19))  # the last answer was cut off ...
        self.assertEqual(worker.counts["duplicate"], 1)  # ... so the result was sent once more

    def test_errors_reach_the_node(self):
        @self.registry.handler("fail")
        def fail(context):
            if context.get_input("for_good"):
                raise geartrain.PermanentError("declined", error_code="CARD", status_code=402)
            raise geartrain.RetryableError("busy", retry_after=3)

        first, second = self.node.offer("fail"), self.node.offer("fail", {"for_good": True})
        self.start()
        item = self.node.wait_for_result(first)
        self.assertEqual((item["success"], item["error"]["retryable"]), (False, True))
        self.assertEqual(item["orchestration_metadata"]["headers"], {"Retry-After": "3"})
        item = self.node.wait_for_result(second)
        self.assertEqual((item["error"]["retryable"], item["error"]["status_code"]), (False, 402))
        self.assertEqual(item["metadata"]["error_code"], "CARD")

    def test_concurrency(self):
        together = threading.Barrier(4)
        self.registry.register("meet", lambda _context: together.wait(DEADLINE) >= 0)
        steps = [self.node.offer("meet") for _ in range(4)]
        self.start(concurrency=4)
        for step in steps:
            self.assertIs(self.node.wait_for_result(step)["result"], True)
        self.assertEqual(self.node.connections, 4)

    def test_methods_are_named_by_the_template(self):
        @self.registry.handler("notify")
        class Notify:
            def email(self, context):
                return context.handler_method

        step = self.node.offer("notify", handler={"callable": "notify", "method": "email", "initialization": {}})
        self.start()
        self.assertEqual(self.node.wait_for_result(step)["result"], "email")

    def test_a_checkpoint_comes_back(self):
        @self.registry.handler("walk")
        def walk(context):
            if context.has_checkpoint():
                return context.checkpoint_cursor + 1
            return geartrain.checkpoint_yield(5, 5)

        first = self.node.offer("walk")
        second = self.node.offer("walk", checkpoint={"cursor": 5, "items_processed": 5, "accumulated_results": None})
        self.start()
        self.assertEqual(self.node.wait_for_result(first)["checkpoint_yield"]["cursor"], 5)
        self.assertEqual(self.node.wait_for_result(second)["result"], 6)

    def test_wrong_settings(self):
        self.registry.register("x", lambda _context: 1)
        for namespaces, options in (
            ([], {}),
            (["a"], {"concurrency": 0}),
            (["a"], {"poll_wait_ms": 60001}),
            (["a"], {"worker_id": "x" * 129}),
            (["a"], {"handlers": {}}),
        ):
            with self.assertRaises(ValueError):
                Worker(self.node.url, namespaces, **{"handlers": self.registry, **options})
        self.assertEqual(Worker(self.node.url, "one", self.registry).namespaces, ["one"])


class Delivery(WorkerCase):
    def test_a_lost_answer_makes_a_duplicate_and_no_second_run(self):
        runs = []
        self.registry.register("once", lambda context: runs.append(context.step_uuid))
        entered, leave = self.gate("gate")
        worker = self.start(poll_wait_ms=30000)
        self.node.offer("gate")
        self.assertTrue(entered.wait(DEADLINE))
        first, second = self.node.offer("once"), self.node.offer("once")
        with self.node.changed:
            self.node.lose_answers = 1  # the poll that carries the gate's result brings `first`, which is lost
        leave.set()
        self.node.wait_for_result(second)
        self.assertEqual(runs, [second])
        self.assertEqual(worker.counts["duplicate"], 1)
        self.assertEqual(self.node.results_of(first), [])

    def test_a_restarted_node_gets_the_result(self):
        entered, leave = self.gate("gate")
        step = self.node.offer("gate")
        self.start()
        self.assertTrue(entered.wait(DEADLINE))
        self.node.kill()
        leave.set()
        self.node.start()
        self.assertEqual(self.node.wait_for_result(step)["result"], {"left": True, "attempt": 1})

    def test_an_overloaded_node_gets_the_result_later(self):
        entered, leave = self.gate("gate")
        step = self.node.offer("gate")
        self.start()
        self.assertTrue(entered.wait(DEADLINE))
        with self.node.changed:
            self.node.failures += [(503, {"Retry-After": "0"}), (500, {}), (429, {}), (404, {})]
        leave.set()
        self.node.wait_for_result(step)

    def test_a_result_that_the_node_cannot_take_becomes_a_failure(self):
        self.registry.register("x", lambda _context: 1)
        self.node.verdicts.append("invalid")
        step = self.node.offer("x")
        self.start(poll_wait_ms=50)
        item = self.node.wait_for_result(step)
        self.assertEqual((item["success"], item["error"]["retryable"]), (False, False))
        self.assertIn("as told", item["error"]["message"])

    def test_a_refused_request_does_the_same(self):
        entered, leave = self.gate("gate")
        step = self.node.offer("gate")
        self.start()
        self.assertTrue(entered.wait(DEADLINE))
        with self.node.changed:
            self.node.failures.append((413, {}))
        leave.set()
        self.assertEqual(self.node.wait_for_result(step)["error"]["error_type"], "invalid_result")

    def test_stale_and_twice_invalid_results_are_dropped(self):
        self.registry.register("x", lambda _context: 1)
        self.node.verdicts += ["stale", "invalid", "invalid"]
        steps = [self.node.offer("x") for _ in range(3)]
        worker = self.start(poll_wait_ms=50)
        self.node.wait_for_result(steps[2])
        self.node.wait_for(lambda: worker.counts["invalid"] == 2)
        worker.end()
        self.assertEqual((worker.counts["stale"], worker.counts["invalid"], worker.counts["run"]), (1, 2, 3))

    def test_an_idle_worker_survives_a_restart(self):
        self.registry.register("x", lambda _context: 1)
        self.start()
        self.node.wait_for(lambda: self.node.waiting == 1)
        self.node.kill()
        self.node.start()
        self.node.wait_for_result(self.node.offer("x"))


class Heartbeat(WorkerCase):
    def setUp(self):
        super().setUp()
        self.node.lease_seconds = 0.3

    def test_a_running_step_is_renewed(self):
        entered, leave = self.gate("gate")
        step = self.node.offer("gate")
        worker = self.start(worker_id="w-9")
        self.assertTrue(entered.wait(DEADLINE))
        self.node.wait_for(lambda: self.node.count("/v1/workers/heartbeat") >= 3)
        body = next(body for path, body in self.node.requests if path == "/v1/workers/heartbeat")
        self.assertEqual(body["worker_id"], "w-9")
        self.assertEqual([lease["step_uuid"] for lease in body["leases"]], [step])
        leave.set()
        self.node.wait_for_result(step)
        worker.end()
        self.assertEqual(worker._heartbeats.held(), [])

    def seen_by_a_handler(self, status):
        seen = []

        @self.registry.handler("watch")
        def watch(context):
            context.wait(DEADLINE)
            seen.append((context.cancelled, context.is_lost(), context.should_stop()))

        self.node.heartbeat_status = status
        step = self.node.offer("watch")
        self.start()
        self.node.wait_for_result(step)
        return seen

    def test_a_cancelled_step_is_told(self):
        self.assertEqual(self.seen_by_a_handler("cancelled"), [(True, True, True)])

    def test_a_lost_step_is_told(self):
        self.assertEqual(self.seen_by_a_handler("lost"), [(False, True, True)])

    def test_heartbeats_go_on_after_failures(self):
        entered, leave = self.gate("gate")
        self.node.offer("gate")
        self.start()
        self.assertTrue(entered.wait(DEADLINE))
        with self.node.changed:
            self.node.failures += [(500, {}), (503, {})]
        self.node.wait_for(lambda: not self.node.failures and self.node.count("/v1/workers/heartbeat") >= 4)
        leave.set()


class Stopping(WorkerCase):
    def test_it_finishes_what_runs_and_takes_nothing_new(self):
        entered, leave = self.gate("gate")
        step = self.node.offer("gate")
        worker = self.start()
        self.assertTrue(entered.wait(DEADLINE))
        late = self.node.offer("gate")
        worker.stop()
        self.assertTrue(worker._stopping.wait(DEADLINE))
        leave.set()
        self.assertTrue(worker.end())
        self.assertEqual(len(self.node.results_of(step)), 1)
        self.assertEqual(self.node.results_of(late), [])
        self.assertEqual([s["step_uuid"] for s in self.node.ready], [late])
        self.assertEqual(self.node.requests[-1][0], "/v1/workers/results")

    def test_idle_polls_end_at_once(self):
        self.registry.register("x", lambda _context: 1)
        worker = self.start(concurrency=3, poll_wait_ms=60000)
        self.node.wait_for(lambda: self.node.waiting == 3)
        self.assertTrue(worker.end())
        self.node.wait_for(lambda: self.node.waiting == 0)

    def test_a_step_that_arrives_while_it_stops_is_run(self):
        self.registry.register("x", lambda _context: 1)
        worker = self.start(poll_wait_ms=60000)
        self.node.wait_for(lambda: self.node.waiting == 1)
        # Both under the node's lock: the step is given out without a look at whether the client has gone.
        with self.node.changed:
            step = self.node.offer("x")
            worker.stop()
            self.assertTrue(worker._stopping.wait(DEADLINE))
        self.assertTrue(worker.end())
        self.assertEqual(len(self.node.results_of(step)), 1)

    def test_results_are_delivered_to_a_node_that_comes_back_while_it_stops(self):
        entered, leave = self.gate("gate")
        step = self.node.offer("gate")
        worker = self.start()
        self.assertTrue(entered.wait(DEADLINE))
        self.node.kill()
        worker.stop()
        self.assertTrue(worker._stopping.wait(DEADLINE))
        leave.set()
        self.node.start()
        self.assertTrue(worker.end())
        self.assertEqual(len(self.node.results_of(step)), 1)

    def test_the_deadline_tells_the_handlers(self):
        entered, told = threading.Event(), threading.Event()

        @self.registry.handler("endless")
        def endless(context):
            entered.set()
            context.wait(DEADLINE)
            told.set()

        self.node.offer("endless")
        worker = self.start(drain_seconds=0.05)
        self.assertTrue(entered.wait(DEADLINE))
        self.assertFalse(worker.end())
        self.assertTrue(told.wait(DEADLINE))

    def test_a_node_that_is_gone_does_not_hold_up_the_end(self):
        entered, leave = self.gate("gate")
        self.node.offer("gate")
        worker = self.start(drain_seconds=0.2)
        self.assertTrue(entered.wait(DEADLINE))
        self.node.kill()
        leave.set()
        self.assertFalse(worker.end())
