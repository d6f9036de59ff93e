"""The example templates, run without a node: every handler in the order of the graph, through the wire's own JSON."""

import importlib
import json
import pathlib
import unittest

from geartrain import Context
from geartrain.handlers import default_registry
from geartrain.results import to_item
from geartrain.worker.execution import invoke

try:
    import yaml
except ImportError:  # the SDK itself needs no YAML
    yaml = None

TEMPLATES = pathlib.Path(__file__).resolve().parents[3] / "config" / "templates"
MODULES = ("math_workflows", "order_fulfillment", "sales_pipeline", "user_registration")
ORDER = {
    "order_id": "A-1001",
    "customer": {"name": "Ada", "email": "ada@example.com"},
    "items": [{"sku": "MUG-01", "quantity": 2}, {"sku": "CAP-02", "quantity": 1}],
    "payment": {"token": "tok_visa"},
}


def run(name, context):
    """Results and attempts of a task, by step: what a node and a worker would make of it."""
    template = yaml.safe_load((TEMPLATES / f"{name}.yaml").read_text(encoding="utf-8"))
    steps = {step["name"]: step for step in template["steps"]}
    results, attempts, ancestors = {}, {}, {}
    while len(results) < len(steps):
        ready = [s for s in steps.values() if s["name"] not in results and set(s.get("dependencies", [])) <= set(results)]
        assert ready, f"{name}: the graph has a cycle or an unknown dependency"
        for step in ready:
            known = set(step.get("dependencies", []))
            for parent in step.get("dependencies", []):
                known |= ancestors[parent]
            ancestors[step["name"]] = known
            item, attempts[step["name"]] = attempt_until_done(step, context, {n: results[n] for n in known})
            if not item["success"]:
                return {**{n: r["result"] for n, r in results.items()}, "error": item["error"]}, attempts
            results[step["name"]] = {"result": item["result"]}
    return {name: result["result"] for name, result in results.items()}, attempts


def attempt_until_done(step, context, dependency_results):
    limit = step.get("retry", {}).get("max_attempts", 3)
    for attempt in range(1, limit + 1):
        seen = Context(
            json.loads(
                json.dumps(
                    {
                        "step_uuid": "s",
                        "task_uuid": "t",
                        "name": step["name"],
                        "handler": {"method": "call", "initialization": {}, **step["handler"]},
                        "attempt": attempt,
                        "max_attempts": limit,
                        "task": {"context": context},
                        "dependency_results": dependency_results,
                    }
                )
            )
        )
        item = json.loads(to_item("s", "l", invoke(default_registry, seen), {}))
        if item["success"] or not item["error"]["retryable"]:
            break
    return item, attempt


@unittest.skipIf(yaml is None, "PyYAML is not installed")
class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for module in MODULES:
            importlib.import_module(f"examples.{module}")

    def test_every_template_has_its_handlers(self):
        files = sorted(TEMPLATES.glob("*.yaml"))
        self.assertGreaterEqual(len(files), 7)
        for file in files:
            text = file.read_text(encoding="utf-8")
            self.assertTrue(text.startswith("# "), f"{file.name} begins with what it is")
            template = yaml.safe_load(text)
            self.assertTrue(template["namespace_name"] and template["name"] and template["version"])
            for step in template["steps"]:
                handler = step["handler"]
                target = default_registry.resolve(handler["callable"], handler.get("method", "call"))
                self.assertTrue(callable(target), f"{file.name}: {step['name']}: {target}")

    def test_canonical_results(self):
        for name, last, power, steps in (
            ("math_linear_sequence", "square_4", 16, 4),
            ("math_diamond", "end", 16, 4),
            ("math_tree", "converge", 64, 8),
            ("math_mixed_dag", "finalize", 64, 7),
        ):
            for number in (0, 2, -2, 6, 100):
                results, _ = run(name, {"even_number": number})
                self.assertEqual(len(results), steps, name)
                self.assertEqual(int(results[last]["value"]), number**power, name)
        self.assertEqual(run("math_linear_sequence", {"even_number": 2})[0]["square_4"], {"value": 65536})
        self.assertEqual(run("math_tree", {"even_number": 2})[0]["converge"], {"value": "18446744073709551616"})

    def test_an_odd_number_fails_for_good(self):
        results, attempts = run("math_diamond", {"even_number": 3})
        self.assertEqual((results["error"]["error_type"], attempts), ("validation_error", {"start": 1}))

    def test_an_order(self):
        results, attempts = run("order_fulfillment", ORDER)
        self.assertEqual(results["validate_order"]["total_cents"], 4490)
        self.assertEqual(results["charge_payment"]["charged_cents"], 4490)
        self.assertEqual(attempts["charge_payment"], 3)
        self.assertEqual({n for n, count in attempts.items() if count == 1}, set(attempts) - {"charge_payment"})
        self.assertRegex(results["ship_order"]["tracking_number"], r"^GT\d{10}$")
        self.assertEqual(
            results["notify_customer"]["text"],
            f"Dear Ada, order A-1001 (44.90 EUR) is on its way: {results['ship_order']['tracking_number']}.",
        )

    def test_orders_that_fail(self):
        def error_of(**changes):
            results, attempts = run("order_fulfillment", {**ORDER, **changes})
            return results["error"]["error_type"], results["error"]["retryable"], attempts

        self.assertEqual(
            error_of(payment={"token": "tok_declined"}),
            ("permanent_error", False, {"validate_order": 1, "reserve_stock": 1, "charge_payment": 1}),
        )
        self.assertEqual(error_of(payment={"token": "t", "provider_failures": 9})[2]["charge_payment"], 4)
        self.assertEqual(error_of(items=[{"sku": "BAG-11", "quantity": 9}])[2], {"validate_order": 1, "reserve_stock": 1})
        self.assertEqual(error_of(items=[{"sku": "HAT", "quantity": 1}])[:2], ("validation_error", False))

    def test_a_registration(self):
        results, _ = run("user_registration", {"email": "Ada@Example.com", "name": "Ada", "plan": "enterprise"})
        self.assertEqual(results["create_user"]["email"], "ada@example.com")
        self.assertEqual(results["setup_billing"]["monthly_cents"], 29900)
        self.assertEqual(
            results["send_welcome"]["text"], "Welcome, Ada! Your plan: enterprise, 299.00 a month."
        )
        self.assertEqual(
            {key: results["update_status"][key] for key in ("status", "billing", "language", "welcomed_by")},
            {"status": "active", "billing": "active", "language": "en", "welcomed_by": ["email", "in_app", "phone"]},
        )
        free, _ = run("user_registration", {"email": "b@example.com", "name": "Bo"})
        self.assertEqual(free["setup_billing"]["status"], "not_needed")

    def test_the_pipeline(self):
        results, _ = run("sales_pipeline", {})
        metrics = results["aggregate_metrics"]
        self.assertEqual((metrics["units"], metrics["customers"], metrics["stock"]), (112, 70, 158))
        self.assertEqual((metrics["best_article"], metrics["revenue_cents"]), ("BAG-11", 297640))
        self.assertEqual(results["generate_insights"]["reorder"], ["BAG-11", "CAP-02"])
        self.assertEqual(results, run("sales_pipeline", {})[0])
