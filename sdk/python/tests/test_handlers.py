import unittest

from geartrain import Context, Failure, Registry, handler
from geartrain.handlers import default_registry, registry_of
from geartrain.worker.execution import invoke


def run(registry, name, method="call"):
    return invoke(registry, Context({"handler": {"callable": name, "method": method}}))


class Registration(unittest.TestCase):
    def test_the_decorator_leaves_the_function_as_it_is(self):
        registry = Registry()

        @handler("a", registry=registry)
        def a(context):
            return context.handler_name

        @registry.handler("b")
        def b(context):
            return context.handler_name

        self.assertEqual(registry.names(), ["a", "b"])
        self.assertEqual(a(Context({"handler": {"callable": "direct"}})), "direct")
        self.assertEqual((run(registry, "a").result, run(registry, "b").result), ("a", "b"))

    def test_the_default_registry(self):
        @handler("test.default")
        def default(_context):
            return 1

        self.assertIn("test.default", default_registry.names())
        self.assertIs(registry_of(None), default_registry)

    def test_a_name_belongs_to_one_handler(self):
        def other(_context):
            return 2

        registry = Registry()
        registry.register("x", run)
        registry.register("x", run)
        with self.assertRaisesRegex(ValueError, "twice"):
            registry.register("x", other)

    def test_what_cannot_be_a_handler(self):
        async def later(_context):
            pass

        with self.assertRaises(TypeError):
            Registry().register("x", later)
        with self.assertRaises(ValueError):
            Registry().register("", run)

    def test_a_mapping_becomes_a_registry(self):
        self.assertEqual(run(registry_of({"x": lambda _context: 5}), "x").result, 5)


class Methods(unittest.TestCase):
    def test_a_class_is_made_anew_for_each_run(self):
        registry = Registry()

        @registry.handler("notify")
        class Notify:
            def __init__(self):
                self.calls = 0

            def call(self, _context):
                self.calls += 1
                return self.calls

            def email(self, context):
                return f"mail for {context.handler_name}"

            def _private(self, _context):
                return "never"

        self.assertEqual([run(registry, "notify").result for _ in range(2)], [1, 1])
        self.assertEqual(run(registry, "notify", "email").result, "mail for notify")
        for method in ("sms", "_private", "__init__"):
            outcome = run(registry, "notify", method)
            self.assertIsInstance(outcome, Failure)
            self.assertEqual((outcome.error_type, outcome.retryable), ("handler_not_found", False))

    def test_an_object_is_shared(self):
        class Counter:
            calls = 0

            def call(self, _context):
                self.calls += 1
                return self.calls

        registry = registry_of({"count": Counter()})
        self.assertEqual([run(registry, "count").result for _ in range(2)], [1, 2])

    def test_a_callable_object(self):
        class Doubler:
            def __call__(self, context):
                return 2 * context.attempt

        self.assertEqual(run(registry_of({"d": Doubler()}), "d").result, 2)

    def test_a_function_has_no_other_method(self):
        outcome = run(registry_of({"f": lambda _context: 1}), "f", "email")
        self.assertEqual((outcome.error_type, outcome.retryable), ("handler_not_found", False))

    def test_an_unknown_handler(self):
        outcome = run(registry_of({"f": lambda _context: 1}), "g")
        self.assertEqual((outcome.error_type, outcome.retryable), ("handler_not_found", False))

    def test_a_constructor_that_fails_is_a_failure_of_the_step(self):
        class Broken:
            def __init__(self):
                raise RuntimeError("no database")

        outcome = run(registry_of({"b": Broken}), "b")
        self.assertEqual((outcome.error_type, outcome.message), ("RuntimeError", "no database"))
