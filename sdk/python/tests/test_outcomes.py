import json
import threading
import unittest

from fake_node import FakeNode
from geartrain import (
    Context,
    Registry,
    ValidationError,
    Worker,
    aggregate,
    batch_result,
    create_batches,
    create_steps,
    cursor_ranges,
    no_batches,
    no_branches,
)
from geartrain.worker.execution import invoke


def context(**fields):
    return Context({"name": "s", "handler": {"callable": "h", "initialization": fields.pop("config", {})}, **fields})


def worker_step(**inputs):
    cursor = {"batch_id": "002", "start_cursor": 10, "end_cursor": 20, "batch_size": 10}
    return context(inputs={"cursor": cursor, "batch_metadata": {"cursor_field": "row", "failure_strategy": "isolate"},
                           "is_no_op": False, **inputs})


class Decisions(unittest.TestCase):
    def test_chosen_steps(self):
        made = context().create_steps(["a", "b"], {"amount": 5})
        self.assertEqual(made.result, {"decision_point_outcome": {"type": "create_steps", "step_names": ["a", "b"]},
                                       "routing_context": {"amount": 5}})
        self.assertEqual(create_steps("a").result["decision_point_outcome"]["step_names"], ["a"])

    def test_nothing_chosen(self):
        self.assertEqual(context().no_branches().result, {"decision_point_outcome": {"type": "no_branches"}})
        self.assertEqual(no_branches("quiet day").result["routing_context"], "quiet day")

    def test_mistakes_are_found_here(self):
        for names in ([], [""], [1], [None]):
            with self.assertRaises(ValidationError):
                create_steps(names)

    def test_a_decision_that_is_wrong_fails_for_good(self):
        registry = Registry()
        registry.register("h", lambda c: c.create_steps([]))
        outcome = invoke(registry, context())
        self.assertEqual((outcome.error_type, outcome.retryable), ("validation_error", False))


class Batches(unittest.TestCase):
    def test_ranges(self):
        self.assertEqual(cursor_ranges(10, 4), [(0, 4), (4, 8), (8, 10)])
        self.assertEqual(cursor_ranges(4, 4, start=1), [(1, 5)])
        self.assertEqual(cursor_ranges(0, 4), [])
        with self.assertRaises(ValidationError):
            cursor_ranges(1, 0)

    def test_batches_of_ranges(self):
        made = context(config={"worker_template_name": "chunk"}).create_batches(cursor_ranges(5, 2)).result
        self.assertEqual(made["batch_processing_outcome"], {
            "type": "create_batches", "worker_template_name": "chunk", "worker_count": 3, "total_items": 5,
            "cursor_configs": [
                {"batch_id": "001", "start_cursor": 0, "end_cursor": 2, "batch_size": 2},
                {"batch_id": "002", "start_cursor": 2, "end_cursor": 4, "batch_size": 2},
                {"batch_id": "003", "start_cursor": 4, "end_cursor": 5, "batch_size": 1}]})

    def test_batches_of_maps(self):
        made = create_batches([{"batch_id": "eu", "start_cursor": "2026-01-01", "end_cursor": None, "batch_size": 7},
                               {"start_cursor": {"k": 1}, "end_cursor": {"k": 2}}], "chunk", 9, {"seen": 9}).result
        self.assertEqual([c["batch_id"] for c in made["batch_processing_outcome"]["cursor_configs"]], ["eu", "002"])
        self.assertEqual((made["seen"], made["batch_processing_outcome"]["total_items"]), (9, 9))

    def test_many_batches_sort_by_name(self):
        ids = [c["batch_id"] for c in create_batches(cursor_ranges(1200, 1), "w").result["batch_processing_outcome"]["cursor_configs"]]
        self.assertEqual((ids, ids[0]), (sorted(ids), "0001"))

    def test_no_batches(self):
        self.assertEqual(context().no_batches().result, {"batch_processing_outcome": {"type": "no_batches"}})
        self.assertEqual(no_batches("empty file").result["reason"], "empty file")

    def test_mistakes_are_found_here(self):
        for cursors, worker in (([], "w"), ([(0, 1)], ""), ([{"start_cursor": 0}], "w"),
                                ([{"batch_id": "x", "start_cursor": 0, "end_cursor": 1}] * 2, "w"),
                                ([{"start_cursor": 0, "end_cursor": 1, "batch_size": -1}], "w")):
            with self.assertRaises(ValidationError):
                create_batches(cursors, worker)

    def test_the_cursor_of_a_worker(self):
        step = worker_step()
        cursor = step.batch_cursor
        self.assertEqual((cursor.batch_id, cursor.start, cursor.end, cursor.size), ("002", 10, 20, 10))
        self.assertEqual((step.batch_metadata["cursor_field"], step.is_no_op), ("row", False))
        self.assertIsNone(context().batch_cursor)
        self.assertFalse(context(inputs={"is_no_op": True}).is_no_op)

    def test_a_placeholder_is_answered_without_a_handler(self):
        outcome = invoke(Registry(), worker_step(is_no_op=True))
        self.assertEqual((outcome.result["items_processed"], outcome.result["no_op"]), (0, True))

    def test_results(self):
        self.assertEqual(batch_result(10, items_failed=2, items_skipped=1, last_cursor=20, errors=list(range(200))).result,
                         {"items_processed": 10, "items_succeeded": 7, "items_failed": 2, "items_skipped": 1,
                          "last_cursor": 20, "errors": list(range(100))})


class Aggregation(unittest.TestCase):
    def test_with_batches(self):
        found = aggregate({"plan": {"result": {}}, "chunk_002": {"result": {"n": 2}}, "chunk_001": {"result": {"n": 1}},
                           "chunk_003": {"success": False, "error": {"message": "no"}}, "chunks": {"result": {"n": 50}}}, "chunk")
        self.assertEqual((found.no_batches, found.worker_count, list(found.results), found.total("n")),
                         (False, 3, ["chunk_001", "chunk_002"], 3))
        self.assertEqual(found.failures, {"chunk_003": {"message": "no"}})

    def test_without_batches(self):
        for value in ({"result": {"no_op": True, "items_processed": 0}}, {"result": None, "resolved_manually": True}):
            found = aggregate({"plan": {"result": {}}, "chunk_000": value}, "chunk")
            self.assertEqual((found.no_batches, found.worker_count, found.total("n")), (True, 0, 0))

    def test_of_the_context(self):
        step = context(dependency_results={"w_001": {"result": {"items_processed": 3}}})
        self.assertEqual(step.aggregate_batches("w").total("items_processed"), 3)


class Checkpoints(unittest.TestCase):
    def serve(self, node, function):
        registry = Registry()
        registry.register("h", function)
        worker = Worker(node.url, ["test"], registry, concurrency=1, poll_wait_ms=200)
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 10)
        self.addCleanup(worker.stop)

    def test_without_a_worker_the_context_keeps_it(self):
        step = context()
        self.assertTrue(step.save_checkpoint(5, 5, {"n": 1}))
        self.assertEqual((step.checkpoint_cursor, step.checkpoint_items_processed, step.accumulated_results), (5, 5, {"n": 1}))

    def test_it_goes_out_with_a_heartbeat(self):
        node = FakeNode()
        self.addCleanup(node.kill)
        self.serve(node, lambda c: [c.save_checkpoint(7, 7), c.save_checkpoint(9, 9)])
        self.assertEqual(node.wait_for_result(node.offer("h"))["result"], [True, True])
        sent = [body["leases"][0]["checkpoint"] for path, body in node.requests if path == "/v1/workers/heartbeat"]
        self.assertEqual([c["cursor"] for c in sent], [7, 9])
        self.assertEqual(sent[0], {"cursor": 7, "items_processed": 7, "accumulated_results": None})

    def test_a_lost_lease_is_told(self):
        node = FakeNode()
        node.heartbeat_status = "cancelled"
        self.addCleanup(node.kill)
        self.serve(node, lambda c: [c.save_checkpoint(7), c.cancelled, c.should_stop()])
        self.assertEqual(node.wait_for_result(node.offer("h"))["result"], [False, True, True])

    def test_what_is_no_json_fails_for_good(self):
        node = FakeNode()
        self.addCleanup(node.kill)
        self.serve(node, lambda c: c.save_checkpoint(object()))
        error = node.wait_for_result(node.offer("h"))["error"]
        self.assertEqual((error["error_type"], error["retryable"]), ("validation_error", False))

    def test_a_failing_node_is_asked_again(self):
        node = FakeNode()
        self.addCleanup(node.kill)

        def handle(c):
            node.failures.append((503, {}))
            return c.save_checkpoint(1)

        self.serve(node, handle)
        self.assertEqual(json.loads(json.dumps(node.wait_for_result(node.offer("h"))["result"])), True)


if __name__ == "__main__":
    unittest.main()
