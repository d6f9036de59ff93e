import unittest

from geartrain import Context

STEP = {
    "step_uuid": "s-1",
    "task_uuid": "t-1",
    "name": "resize_002",
    "template_step_name": "resize",
    "namespace": "gallery",
    "template_name": "photos",
    "template_version": "1.2.0",
    "handler": {"callable": "gallery.resize", "method": "shrink", "initialization": {"width": 640}},
    "attempt": 2,
    "max_attempts": 3,
    "lease_token": "l-1",
    "timeout_seconds": 60,
    "correlation_id": "c-1",
    "parent_correlation_id": "c-0",
    "traceparent": "00-aa-bb-01",
    "task": {
        "context": {"album": 7, "owner": None, "off": False},
        "priority": 5,
        "tags": ["night"],
        "initiator": "cron",
        "source_system": "web",
        "reason": "upload",
        "requested_at": "2026-01-01T00:00:00.000000Z",
    },
    "inputs": {"width": 640, "cursor": {"batch_id": "002"}},
    "checkpoint": {"cursor": 250, "items_processed": 250, "accumulated_results": {"bytes": 9}},
    "dependency_results": {
        "plan": {"result": {"pages": [{"id": 4}, {"id": 5}], "0": "zero"}},
        "chunk_002": {"result": 2},
        "chunk_001": {"result": 1},
        "chunk_003": {"success": False, "error": {"message": "no"}},
        "by_hand": {"result": None, "resolved_manually": True},
    },
    "previous_error": {"message": "disk full"},
}


class Accessors(unittest.TestCase):
    def setUp(self):
        self.context = Context(STEP)

    def test_input(self):
        self.assertEqual(self.context.get_input("album"), 7)
        self.assertIsNone(self.context.get_input("nothing"))
        self.assertEqual(self.context.get_input_or("nothing", 1), 1)
        self.assertEqual(self.context.get_input_or("owner", "anyone"), "anyone")
        self.assertIs(self.context.get_input_or("off", True), False)

    def test_config(self):
        self.assertEqual(self.context.get_config("width"), 640)
        self.assertIsNone(self.context.get_config("height"))

    def test_dependency_results(self):
        self.assertEqual(self.context.get_dependency_result("chunk_001"), 1)
        self.assertIsNone(self.context.get_dependency_result("chunk_003"))
        self.assertIsNone(self.context.get_dependency_result("by_hand"))
        self.assertIsNone(self.context.get_dependency_result("nothing"))

    def test_dependency_field(self):
        field = self.context.get_dependency_field
        self.assertEqual(field("plan", "pages", 1, "id"), 5)
        self.assertEqual(field("plan", "pages", -1, "id"), 5)
        self.assertEqual(field("plan", "0"), "zero")
        self.assertEqual(field("chunk_001"), 1)
        for path in (("pages", 2), ("pages", "id"), ("pages", 0, "id", "x"), ("nothing",)):
            self.assertIsNone(field("plan", *path))
        self.assertIsNone(field("nothing", "x"))

    def test_joins(self):
        self.assertEqual(
            self.context.get_dependency_result_keys(), ["by_hand", "chunk_001", "chunk_002", "chunk_003", "plan"]
        )
        self.assertEqual(self.context.get_all_dependency_results("chunk_"), [1, 2])
        self.assertEqual(self.context.get_all_dependency_results("none_"), [])
        self.assertEqual(len(self.context.get_all_dependency_results()), 4)

    def test_attempts(self):
        def seen(attempt, max_attempts):
            context = Context({**STEP, "attempt": attempt, "max_attempts": max_attempts})
            return context.retry_count, context.max_retries, context.is_retry(), context.is_last_retry()

        self.assertEqual(seen(1, 3), (0, 3, False, False))
        self.assertEqual(seen(2, 3), (1, 3, True, False))
        self.assertEqual(seen(3, 3), (2, 3, True, True))
        self.assertEqual(seen(1, None), (0, 3, False, False))
        self.assertEqual(seen(1, 0), (0, 0, False, True))

    def test_checkpoint(self):
        self.assertTrue(self.context.has_checkpoint())
        self.assertEqual(self.context.checkpoint_cursor, 250)
        self.assertEqual(self.context.checkpoint_items_processed, 250)
        self.assertEqual(self.context.accumulated_results, {"bytes": 9})
        fresh = Context({**STEP, "checkpoint": None})
        self.assertFalse(fresh.has_checkpoint())
        self.assertEqual((fresh.checkpoint_cursor, fresh.checkpoint_items_processed), (None, 0))
        self.assertIsNone(fresh.accumulated_results)

    def test_raw_fields(self):
        context = self.context
        self.assertEqual((context.task_uuid, context.step_uuid), ("t-1", "s-1"))
        self.assertEqual((context.step_name, context.template_step_name), ("resize_002", "resize"))
        self.assertEqual((context.namespace, context.template_name), ("gallery", "photos"))
        self.assertEqual((context.handler_name, context.handler_method), ("gallery.resize", "shrink"))
        self.assertEqual((context.correlation_id, context.parent_correlation_id), ("c-1", "c-0"))
        self.assertEqual(context.traceparent, "00-aa-bb-01")
        self.assertEqual(context.attempt, 2)
        self.assertEqual(context.input_data, STEP["task"]["context"])
        self.assertEqual(context.step_inputs["cursor"], {"batch_id": "002"})
        self.assertEqual(context.step_config, {"width": 640})
        self.assertEqual(context.dependency_results, STEP["dependency_results"])
        self.assertEqual(context.previous_error, {"message": "disk full"})
        self.assertEqual((context.priority, context.tags, context.initiator), (5, ["night"], "cron"))
        self.assertLessEqual(context.remaining_seconds(), 60)
        self.assertIs(context.raw, STEP)

    def test_a_bare_step_has_defaults(self):
        context = Context({})
        self.assertEqual((context.attempt, context.max_attempts, context.handler_method), (1, 3, "call"))
        self.assertEqual((context.input_data, context.dependency_results, context.tags), ({}, {}, []))
        self.assertIsNone(context.remaining_seconds())

    def test_flags(self):
        context = Context(STEP)
        self.assertEqual((context.cancelled, context.is_lost(), context.should_stop()), (False, False, False))
        context.mark_lost()
        self.assertEqual((context.cancelled, context.is_lost(), context.should_stop()), (False, True, True))
        context.mark_lost(cancelled=True)
        self.assertTrue(context.cancelled)
        self.assertTrue(context.wait(60))
        stopping = Context(STEP)
        stopping.mark_stopping()
        self.assertEqual((stopping.is_lost(), stopping.should_stop()), (False, True))
