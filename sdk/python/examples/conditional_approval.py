"""Handlers of the template conditional_approval.yaml: a decision and the join of what it chose."""

from __future__ import annotations

from typing import Any, Dict

from geartrain import Context, Success, ValidationError, handler


@handler("finance.validate")
def validate(context: Context) -> Dict[str, Any]:
    amount = context.get_input("amount")
    if not isinstance(amount, (int, float)) or amount <= 0:
        raise ValidationError(f"not an amount: {amount!r}")
    return {"amount": amount, "requester": context.get_input("requester")}


@handler("finance.decide")
def decide(context: Context) -> Success:
    """Names the steps that come into being; the template says what they are."""
    amount = context.get_dependency_field("validate", "amount")
    if amount < context.get_config("manager_from"):
        chosen = ["auto_approve"]
    elif amount < context.get_config("finance_from"):
        chosen = ["manager_approval"]
    else:
        chosen = ["manager_approval", "finance_review"]
    return context.create_steps(chosen, {"amount": amount})


@handler("finance.approve")
def approve(context: Context) -> Dict[str, Any]:
    return {"approved_by": context.get_config("by"), "amount": context.get_dependency_field("validate", "amount")}


@handler("finance.finalize")
def finalize(context: Context) -> Dict[str, Any]:
    """Sees the approvals that were asked for; the others do not exist."""
    approvals = [
        result["approved_by"]
        for name, result in sorted((name, context.get_dependency_result(name)) for name in context.dependency_results)
        if isinstance(result, dict) and "approved_by" in result
    ]
    return {"approved": True, "by": approvals}
