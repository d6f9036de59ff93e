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
MODULES = (
    "conditional_approval",
    "csv_import",
    "evens_or_odds",
    "math_workflows",
    "order_fulfillment",
    "retries",
    "sales_pipeline",
    "user_registration",
)
ORDER = {
    "order_id": "A-1001",
    "customer": {"name": "Ada", "email": "ada@example.com"},
    "items": [{"sku": "MUG-01", "quantity": 2}, {"sku": "CAP-02", "quantity": 1}],
    "payment": {"token": "tok_visa"},
}


class Run:
    """A task of a template, run without a node: what a node and a worker would make of it, step by step."""

    def __init__(self, name, context):
        template = yaml.safe_load((TEMPLATES / f"{name}.yaml").read_text(encoding="utf-8"))
        self.steps = {step["name"]: step for step in template["steps"]}
        self.context = context
        self.results, self.attempts, self.ancestors = {}, {}, {}
        self.chosen = {}  # decision -> names
        self.cursors = {}  # batch worker -> cursors
        self.error = None

    def go(self):
        while self.error is None:
            ready = [step for step in self.steps.values() if self.is_ready(step)]
            if not ready:
                break
            for step in ready:
                for name, inputs in self.instances(step):
                    self.execute(step, name, inputs)
        finished = {name: result["result"] for name, result in self.results.items() if name not in self.cursors}
        return (finished if self.error is None else {**finished, "error": self.error}), self.attempts

    def kind(self, name):
        return self.steps[name].get("type", "standard")

    def never(self, name):
        """Whether the step cannot come into being any more."""
        parents = self.steps[name].get("dependencies", [])
        if any(parent in self.chosen and name not in self.chosen[parent] for parent in parents):
            return True
        gone = [self.never(parent) for parent in parents]
        return bool(parents) and (all(gone) if self.kind(name) == "deferred_convergence" else any(gone))

    def is_ready(self, step):
        name, parents = step["name"], step.get("dependencies", [])
        if name in self.results or self.never(name):
            return False
        join = step.get("type") == "deferred_convergence"
        return all(parent in self.results or (join and self.never(parent)) for parent in parents)

    def instances(self, step):
        """Names and inputs under which the step runs; a batch worker once for each cursor."""
        if step.get("type") != "batch_worker":
            return [(step["name"], {})]
        cursors = self.cursors[step["name"]]
        self.results[step["name"]] = {"result": None}
        return [(f"{step['name']}_{c['batch_id']}", {"cursor": c, "is_no_op": c["batch_id"] == "000"}) for c in cursors]

    def execute(self, step, name, inputs):
        known = set(step.get("dependencies", []))
        for parent in step.get("dependencies", []):
            known |= self.ancestors.get(parent, set())
        if step.get("type") == "deferred_convergence":
            known |= {n for n in self.results for worker in known & set(self.cursors) if n.startswith(worker + "_")}
        self.ancestors[name] = known
        seen = {n: self.results[n] for n in known if n in self.results and n not in self.cursors}
        item, self.attempts[name] = attempt_until_done(step, name, inputs, self.context, seen)
        if not item["success"]:
            self.error = item["error"]
            return
        self.results[name] = {"result": item["result"]}
        if step.get("type") == "decision":
            self.chosen[name] = item["result"]["decision_point_outcome"].get("step_names", [])
        if step.get("type") == "batchable":
            outcome = item["result"]["batch_processing_outcome"]
            empty = [{"batch_id": "000", "start_cursor": 0, "end_cursor": 0, "batch_size": 0}]
            worker = outcome.get("worker_template_name") or step["handler"]["initialization"]["worker_template_name"]
            self.cursors[worker] = outcome.get("cursor_configs", empty)


def run(name, context):
    """Results and attempts of a task, by step."""
    return Run(name, context).go()


def attempt_until_done(step, name, inputs, context, dependency_results):
    limit = step.get("retry", {}).get("max_attempts", 3)
    attempt, checkpoint = 1, None
    while True:
        handler = {"method": "call", "initialization": {}, **step["handler"]}
        payload = {
            "step_uuid": "s",
            "task_uuid": "t",
            "name": name,
            "template_step_name": step["name"],
            "handler": handler,
            "attempt": attempt,
            "max_attempts": limit,
            "task": {"context": context},
            "inputs": {**handler["initialization"], **inputs},
            "checkpoint": checkpoint,
            "dependency_results": dependency_results,
        }
        seen = Context(json.loads(json.dumps(payload)))
        item = json.loads(to_item("s", "l", invoke(default_registry, seen), {}))
        checkpoint = item.get("checkpoint_yield", seen.checkpoint)
        if "checkpoint_yield" in item:
            continue
        if item["success"] or not item["error"]["retryable"] or attempt == limit:
            return item, attempt
        attempt += 1


@unittest.skipIf(yaml is None, "PyYAML is not installed")
class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for module in MODULES:
            importlib.import_module(f"examples.{module}")

    def test_every_template_has_its_handlers(self):
        files = sorted(TEMPLATES.glob("*.yaml"))
        self.assertGreaterEqual(len(files), 12)
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

    def test_approvals_go_by_the_amount(self):
        for amount, approvers in ((1, ["policy"]), (999, ["policy"]), (1000, ["manager"]), (4999.99, ["manager"]),
                                  (5000, ["finance", "manager"])):
            results, attempts = run("conditional_approval", {"amount": amount, "requester": "ada"})
            self.assertEqual(results["finalize"], {"approved": True, "by": approvers}, amount)
            self.assertEqual(len(attempts), 3 + len(approvers), amount)

    def test_a_file_in_batches(self):
        results, attempts = run("csv_import", {"rows": 1000, "bad_rows": [3, 250, 999]})
        self.assertEqual(len(attempts), 7)
        summary = results["summarize"]
        self.assertEqual((summary["workers"], summary["rows"], summary["failed_rows"]), (5, 1000, 3))
        cents = sum(100 + number % 900 for number in range(1000) if number not in (3, 250, 999))
        self.assertEqual(summary["cents"], cents)
        self.assertEqual(run("csv_import", {"rows": 0})[0]["summarize"]["workers"], 0)
        self.assertEqual(len(run("csv_import", {"rows": 201})[1]), 4)

    def test_the_larger_group_wins(self):
        for numbers, path, workers in (([2, 4, 6, 8, 10, 12], "evens", 3), ([1, 3, 5, 7, 9, 11, 2, 4], "odds", 3),
                                       ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "evens", 3), ([], "evens", 0)):
            results, attempts = run("evens_or_odds", {"numbers": numbers})
            self.assertEqual(results["total"]["workers"], workers)
            self.assertIn(f"plan_{path}", attempts)
            self.assertNotIn("plan_odds" if path == "evens" else "plan_evens", attempts)
            chosen = [n for n in numbers if n % 2 == (path == "odds")]
            self.assertEqual(results["total"]["squares"], [n * n for n in chosen])

    def test_a_flaky_call(self):
        self.assertEqual(run("flaky_call", {})[1], {"call_service": 3, "record": 1})
        results, attempts = run("flaky_call", {"failures": 5})
        self.assertEqual((results["error"]["status_code"], attempts), (503, {"call_service": 5}))

    def test_a_batch_resumes(self):
        results, attempts = run("resumed_batch", {"items": 100})
        self.assertEqual(attempts["process_items_001"], 2)
        self.assertEqual(results["report"], {"items": 100, "runs": [
            {"attempt": 1, "from": 0, "to": 25}, {"attempt": 1, "from": 25, "to": 50},
            {"attempt": 2, "from": 50, "to": 75}, {"attempt": 2, "from": 75, "to": 100}]})
        self.assertEqual(run("resumed_batch", {"items": 0})[0]["report"], {"items": 0, "runs": []})
