"""The tasks of a fault run: their templates, what their handlers do, and how each must end, whatever happens meanwhile."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

NAMESPACE = "fault"

# Lost leases are attempts too, and a run has many of them.
RETRY = {"max_attempts": 100, "backoff": "linear", "backoff_base_ms": 50, "max_backoff_ms": 400}

BATCH = 10  # items of one batch worker

LINEAR = {"s1": [], "s2": ["s1"], "s3": ["s2"], "s4": ["s3"]}
DIAMOND = {"top": [], "left": ["top"], "right": ["top"], "bottom": ["left", "right"]}
MIXED = {"init": [], "left": ["init"], "right": ["init"], "validate": ["left", "right"], "transform": ["left"],
         "analyze": ["right"], "finalize": ["validate", "transform", "analyze"]}
RETRIES = {"first": [], "second": ["first"], "third": ["second"]}
DOOMED = {"before": [], "dies": ["before"], "never": ["dies"]}
EXHAUSTED = {"before": [], "gives_up": ["before"], "never": ["gives_up"]}
DECISION = {"check": [], "route": ["check"], "low": ["route"], "high": ["route"], "letter": ["low", "high"]}
BATCHES = {"plan": [], "rows": ["plan"], "total": ["rows"]}

FIRST = {"linear": "s1", "diamond": "top", "mixed": "init", "retries": "first", "doomed": "before", "exhausted": "before",
         "decision": "check", "batches": "plan"}
KINDS = tuple(FIRST)


def _template(name: str, steps: Dict[str, List[str]], special: Optional[Dict[str, Dict[str, Any]]] = None) -> Dict[str, Any]:
    return {"name": name, "namespace_name": NAMESPACE, "version": "1.0.0", "identity_strategy": "always_unique",
            "steps": [{"name": step, "dependencies": parents, "handler": {"callable": "fault.step"}, "retry": RETRY,
                       **(special or {}).get(step, {})} for step, parents in steps.items()]}


def templates() -> List[Dict[str, Any]]:
    return [
        _template("linear", LINEAR), _template("diamond", DIAMOND), _template("mixed", MIXED), _template("retries", RETRIES),
        _template("doomed", DOOMED),
        _template("exhausted", EXHAUSTED, {"gives_up": {"retry": {**RETRY, "max_attempts": 2}}}),
        _template("decision", DECISION, {"route": {"type": "decision"}, "letter": {"type": "deferred_convergence"}}),
        _template("batches", BATCHES, {
            "plan": {"type": "batchable", "handler": {"callable": "fault.step", "initialization": {"worker_template_name": "rows"}}},
            "rows": {"type": "batch_worker", "batch_config": {"worker_template": "rows", "parallelism": 3}},
            "total": {"type": "deferred_convergence"}}),
    ]


def context_for(kind: str, chance: random.Random, lease_ms: int) -> Dict[str, Any]:
    """What a task is given: how long its steps take, and what is decided in it. Some have a step that takes longer than a lease."""
    context: Dict[str, Any] = {"run_ms": chance.choice((0, 5, 20, 60, 150))}
    if chance.random() < 0.05:
        context["slow"] = {"step": FIRST[kind], "run_ms": int(lease_ms * 1.4)}
    if kind == "retries":
        context["failures"] = {"first": chance.randint(0, 1), "second": chance.randint(1, 3)}
    elif kind == "doomed":
        context["permanent"] = "dies"
    elif kind == "exhausted":
        context["failures"] = {"gives_up": 1000}
    elif kind == "decision":
        context["choose"] = chance.choice((["low"], ["high"], ["low", "high"]))
    elif kind == "batches":
        context["batches"] = chance.randint(1, 5)
    return context


@dataclass(frozen=True)
class Expected:
    """How a task must end: its state, and each of its steps with its parents and its own end. `growth` is what the facts must
    say that a decision or a batchable step brought into being."""

    state: str
    parents: Dict[str, List[str]]
    ends: Dict[str, str]
    growth: Dict[str, Tuple[str, Any]]


def expected(kind: str, context: Dict[str, Any]) -> Expected:
    if kind == "decision":
        chosen = context["choose"]
        parents = {"check": [], "route": ["check"], **{name: ["route"] for name in chosen}, "letter": list(chosen)}
        return Expected("complete", parents, dict.fromkeys(parents, "complete"), {"route": ("decided", sorted(chosen))})
    if kind == "batches":
        rows = [f"rows_{number:03}" for number in range(1, context["batches"] + 1)]
        parents = {"plan": [], **{name: ["plan"] for name in rows}, "total": rows}
        return Expected("complete", parents, dict.fromkeys(parents, "complete"), {"plan": ("batched", len(rows))})
    steps = {"linear": LINEAR, "diamond": DIAMOND, "mixed": MIXED, "retries": RETRIES, "doomed": DOOMED,
             "exhausted": EXHAUSTED}[kind]
    if kind in ("doomed", "exhausted"):
        failing = "dies" if kind == "doomed" else "gives_up"
        return Expected("error", steps, {"before": "complete", failing: "error", "never": "pending"}, {})
    return Expected("complete", steps, dict.fromkeys(steps, "complete"), {})


def milliseconds_of(step: Dict[str, Any]) -> int:
    """How long an execution takes."""
    context = step["task"]["context"]
    slow = context.get("slow", {})
    return slow["run_ms"] if slow.get("step") == step["name"] else context.get("run_ms", 0)


def run_handler(step: Dict[str, Any], execution: str) -> Dict[str, Any]:
    """What is to be reported of an execution: an item for the results call without step and token. It follows from the step
    alone, but for the id of the execution, by which the checker tells whose result was taken."""
    context, name = step["task"]["context"], step["name"]
    if context.get("permanent") == name:
        return {"success": False, "error": {"message": execution, "error_type": "permanent_error", "retryable": False}}
    if step["attempt"] <= context.get("failures", {}).get(name, 0):
        return {"success": False, "error": {"message": execution, "error_type": "as_told", "retryable": True}}
    if step["template_step_name"] == "rows":
        return _run_rows(step, execution)
    result: Dict[str, Any] = {"execution": execution}
    if name == "route":
        result["decision_point_outcome"] = {"type": "create_steps", "step_names": context["choose"]}
    elif name == "plan":
        result["batch_processing_outcome"] = _batches(context["batches"])
    return {"success": True, "result": result}


def _run_rows(step: Dict[str, Any], execution: str) -> Dict[str, Any]:
    """Half of the rows, then the other half; each part is a run of its own."""
    cursor = step["inputs"]["cursor"]
    start, end = cursor["start_cursor"], cursor["end_cursor"]
    kept = step["checkpoint"]
    if kept is None:
        half = (start + end) // 2
        return {"checkpoint_yield": {"cursor": half, "items_processed": half - start,
                                     "accumulated_results": {"execution": execution}}}
    return {"success": True, "result": {"execution": execution, "items_processed": end - start, "from": kept["cursor"]}}


def _batches(count: int) -> Dict[str, Any]:
    cursors = [{"batch_id": f"{number:03}", "start_cursor": (number - 1) * BATCH, "end_cursor": number * BATCH,
                "batch_size": BATCH} for number in range(1, count + 1)]
    return {"type": "create_batches", "worker_template_name": "rows", "worker_count": count, "cursor_configs": cursors,
            "total_items": count * BATCH}
