import builtins
import json
import unittest

import geartrain
from geartrain import Context, Failure, Registry, checkpoint_yield, failure, success
from geartrain.encoding import EncodingError, clean_text, encode
from geartrain.results import SERIALIZATION_ERROR, failure_of, to_item
from geartrain.worker.execution import Report, invoke


def item(outcome):
    return json.loads(to_item("s", "t", outcome, {"execution_time_ms": 3}))


def outcome_of(function):
    registry = Registry()
    registry.register("h", function)
    return invoke(registry, Context({"handler": {"callable": "h"}}))


class Items(unittest.TestCase):
    def test_a_plain_value_is_a_success(self):
        for value in (None, 0, "x", [1], {"a": {"b": None}}, 1.5, True, "€", (1, 2)):
            sent = item(outcome_of(lambda _context, value=value: value))
            self.assertEqual(
                sent,
                {
                    "step_uuid": "s",
                    "lease_token": "t",
                    "success": True,
                    "result": list(value) if isinstance(value, tuple) else value,
                    "metadata": {"execution_time_ms": 3},
                },
            )

    def test_success_with_metadata(self):
        sent = item(outcome_of(lambda _context: success({"n": 1}, {"cache": "hit"})))
        self.assertEqual(sent["result"], {"n": 1})
        self.assertEqual(sent["metadata"], {"execution_time_ms": 3, "custom": {"cache": "hit"}})

    def test_failure_defaults(self):
        sent = item(outcome_of(lambda _context: failure("no")))
        self.assertEqual(sent["success"], False)
        self.assertEqual(
            sent["error"],
            {
                "message": "no",
                "error_type": "handler_error",
                "retryable": True,
                "status_code": None,
                "backtrace": [],
                "context": {},
            },
        )
        self.assertNotIn("orchestration_metadata", sent)

    def test_failure_with_everything(self):
        sent = item(
            failure("no", "odd", False, "E7", {"k": 1}, status_code=409, context={"id": 4})
        )
        self.assertEqual((sent["error"]["error_type"], sent["error"]["retryable"]), ("odd", False))
        self.assertEqual((sent["error"]["status_code"], sent["error"]["context"]), (409, {"id": 4}))
        self.assertEqual((sent["metadata"]["error_code"], sent["metadata"]["custom"]), ("E7", {"k": 1}))
        self.assertEqual(sent["metadata"]["execution_time_ms"], 3)

    def test_checkpoint_yield(self):
        self.assertEqual(
            item(checkpoint_yield({"id": 5}, 5, [1])),
            {
                "step_uuid": "s",
                "lease_token": "t",
                "checkpoint_yield": {"cursor": {"id": 5}, "items_processed": 5, "accumulated_results": [1]},
            },
        )

    def test_retry_after(self):
        self.assertEqual(
            item(failure("busy", retry_after=5))["orchestration_metadata"],
            {
                "headers": {"Retry-After": "5"},
                "backoff_hint": {"backoff_type": "ServerRequested", "delay_seconds": 5},
            },
        )
        fine = item(failure("busy", retry_after=0.25))["orchestration_metadata"]
        self.assertEqual((fine["headers"], fine["backoff_hint"]["delay_seconds"]), ({}, 0.25))
        self.assertNotIn("orchestration_metadata", item(failure("busy", retry_after=float("nan"))))
        self.assertNotIn("orchestration_metadata", item(failure("no", retryable=False, retry_after=5)))

    def test_a_value_that_is_no_json_fails_for_good(self):
        circle = []
        circle.append(circle)
        deep = []
        for _ in range(100):
            deep = [deep]
        for value in (object(), {1, 2}, b"x", float("nan"), 2**64, -(2**63) - 1, circle, deep, "\0", "\ud800", "x" * 2**20):
            sent = item(outcome_of(lambda _context, value=value: value))
            self.assertEqual(sent["success"], False, repr(value)[:40])
            self.assertEqual(sent["error"]["error_type"], SERIALIZATION_ERROR)
            self.assertEqual(sent["error"]["retryable"], False)
        self.assertIn("$.a[1]", item(success({"a": [0, 2**64]}))["error"]["message"])

    def test_the_borders_of_json(self):
        deep = []
        for _ in range(60):
            deep = [deep]
        for value in (2**64 - 1, -(2**63), deep, "\\u0000", "1" * 40, 1e300, "x" * (2**20 - 2)):
            self.assertEqual(json.loads(encode(value)), value)

    def test_an_explanation_that_is_no_json_is_printed(self):
        sent = item(failure("no", context={"what": {1}}, metadata={"n": 2**70}))
        self.assertEqual(sent["error"]["context"], {"unserializable": "{'what': {1}}"})
        self.assertIn("unserializable", sent["metadata"]["custom"])

    def test_text_is_cleaned(self):
        self.assertEqual(clean_text("a\0b\ud800"), "a\ufffdb?")
        self.assertEqual(len(clean_text("x" * 9000)), 8192)
        with self.assertRaises(EncodingError):
            encode({"\0": 1})

    def test_a_substitute_says_why(self):
        report = Report("s", "t", "{}").substitute("too large")
        sent = json.loads(report.item)
        self.assertEqual((sent["success"], sent["error"]["retryable"]), (False, False))
        self.assertIn("too large", sent["error"]["message"])


class Errors(unittest.TestCase):
    def raised(self, error):
        def fail(_context):
            raise error

        return outcome_of(fail)

    def test_types(self):
        expected = {
            geartrain.RetryableError: ("retryable_error", True),
            geartrain.PermanentError: ("permanent_error", False),
            geartrain.ValidationError: ("validation_error", False),
            geartrain.NotFoundError: ("not_found", False),
            geartrain.TimeoutError: ("timeout", True),
            geartrain.NetworkError: ("network_error", True),
        }
        for kind, (error_type, retryable) in expected.items():
            outcome = self.raised(kind("no", context={"id": 1}))
            self.assertEqual((outcome.message, outcome.error_type, outcome.retryable), ("no", error_type, retryable))
            self.assertEqual(outcome.context, {"id": 1})

    def test_details(self):
        outcome = self.raised(geartrain.PermanentError("declined", error_code="CARD", status_code=402))
        self.assertEqual((outcome.error_code, outcome.status_code), ("CARD", 402))
        self.assertEqual(self.raised(geartrain.RetryableError("busy", retry_after=7)).retry_after, 7)

    def test_any_other_exception_is_retryable(self):
        for error, name in ((KeyError("x"), "KeyError"), (builtins.TimeoutError(), "TimeoutError"), (SystemExit(3), "SystemExit")):
            outcome = self.raised(error)
            self.assertEqual((outcome.error_type, outcome.retryable), (name, True))
            self.assertTrue(outcome.message)
            self.assertIn("in fail: raise error", outcome.backtrace[-1])

    def test_an_exception_without_a_text(self):
        class Mute(Exception):
            def __str__(self):
                raise RuntimeError("mute")

        self.assertEqual(self.raised(Mute()).error_type, "Mute")

    def test_the_backtrace_is_bounded(self):
        def dive(depth):
            if depth == 0:
                raise ValueError("x")
            dive(depth - 1)

        try:
            dive(200)
        except ValueError as error:
            self.assertEqual(len(failure_of(error).backtrace), 50)

    def test_a_star_import_hides_no_builtin(self):
        self.assertFalse(set(geartrain.__all__) & set(dir(builtins)))
        self.assertIs(geartrain.TimeoutError, geartrain.StepTimeoutError)

    def test_a_coroutine_is_refused(self):
        async def later():
            pass

        outcome = outcome_of(lambda _context: later())
        self.assertIsInstance(outcome, Failure)
        self.assertFalse(outcome.retryable)
