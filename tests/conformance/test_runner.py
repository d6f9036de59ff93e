"""The suite's own parts: patterns, expressions, and that every scenario and row is in order. Needs no node."""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "system"))

import run  # noqa: E402
from expressions import ExpressionError, evaluate  # noqa: E402
from matching import mismatch  # noqa: E402

STEP = {"name": "s", "attempt": 2, "task": {"context": {"n": 3, "list": [5, 6]}}, "handler": {"initialization": {"unit": "g"}},
        "inputs": {"cursor": {"start_cursor": 10}}, "checkpoint": None,
        "dependency_results": {"a": {"result": {"x": 7}}, "w_002": {"result": 2}, "w_001": {"result": 1}}}


class Expressions(unittest.TestCase):
    def test_paths(self):
        for text, value in (("$context.n", 3), ("$context.list.1", 6), ("$context.none", None), ("$attempt", 2), ("$config.unit", "g"),
                            ("$inputs.cursor.start_cursor", 10), ("$dependencies.a.x", 7), ("$checkpoint.cursor", None), ("plain", "plain")):
            self.assertEqual(evaluate(text, STEP), value, text)
        with self.assertRaises(ExpressionError):
            evaluate("$nonsense", STEP)

    def test_functions(self):
        for value, result in (({"$sum": ["$context.n", 1]}, 4), ({"$product": [2, {"$minus": [5, 2]}]}, 6), ({"$names": "w_"}, ["w_001", "w_002"]),
                              ({"$results": "w_"}, [1, 2]), ({"$length": {"$names": ""}}, 3), ({"$range": [1, 3]}, [1, 2]),
                              ({"$if": [{"$less": ["$context.n", 3]}, "yes", "$attempt"]}, 2), ({"a": ["$attempt"]}, {"a": [2]})):
            self.assertEqual(evaluate(value, STEP), result, value)
        with self.assertRaises(ExpressionError):
            evaluate({"$nonsense": 1}, STEP)


class Patterns(unittest.TestCase):
    def test_what_matches(self):
        for pattern, value in (({"a": 1}, {"a": 1.0, "b": 2}), ([1, "$any"], [1, 0]), ("$absent", None), ({"a": "$absent"}, {}), (None, None),
                               ({"$min": 1, "$max": 3}, 2), ({"$one_of": [1, {"a": 2}]}, {"a": 2}), ({"$not": 1}, 2), ({"$matches": "b+"}, "abc"),
                               ({"$contains": [2, 1]}, [1, 2, 3]), ({"$set": [2, 1]}, [1, 2]), ({"$keys": ["b", "a"]}, {"a": 1, "b": 2}),
                               ({"$length": 2}, [1, 2]), ({"$every": {"a": "$any"}}, [{"a": 1}]), ({"$all": [{"$min": 1}, {"$max": 1}]}, 1),
                               ("$uuid", "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001"), ("$time", "2026-01-01T00:00:00.000000Z"), ({"$after": "2026"}, "2027")):
            self.assertIsNone(mismatch(pattern, value), (pattern, value))

    def test_what_does_not(self):
        for pattern, value in (({"a": 1}, {}), ({"a": None}, {}), ([1], [1, 2]), (True, 1), (1, True), ("$any", None), ("$absent", 0), ({"$min": 1}, True),
                               ({"$one_of": [1]}, 2), ({"$not": 1}, 1), ({"$set": [1]}, [1, 1]), ({"$contains": [1, 1]}, [1]), ({"$keys": []}, {"a": 1}),
                               ({"$every": 1}, [1, 2]), ({"$matches": "b"}, None), ("$time", "2026-01-01"), ({"$before": "2026"}, "2027"), (1, "1")):
            self.assertIsNotNone(mismatch(pattern, value), (pattern, value))

    def test_it_says_where(self):
        self.assertIn("$.a[1].b", mismatch({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}))


class Scenarios(unittest.TestCase):
    def test_they_are_well_formed(self):
        scenarios = run.load([])
        self.assertGreater(len(scenarios), 200)
        self.assertEqual([f"{s.name}: {problem}" for s in scenarios for problem in s.problems], [])

    def test_every_row_is_covered(self):
        found, unknown = run.coverage(run.load([]))
        self.assertEqual(unknown, [])
        rows = run.catalogue()
        bare = [f"{kind}: {row}" for (kind, row), having in found.items() if not having and not rows[kind][row].startswith(run.LATER)]
        self.assertEqual(bare, [])


if __name__ == "__main__":
    unittest.main()
