"""Handlers of the template order_fulfillment.yaml.

A step runs at least once: after a crash it may run again although its first run had its effect. So each call to another
system carries a key made from the task and the step, under which that system does the work once.
"""

from __future__ import annotations

import hashlib
from typing import Any, Dict

from geartrain import Context, PermanentError, RetryableError, ValidationError, handler

PRICES_CENTS = {"MUG-01": 1250, "TEE-07": 2490, "CAP-02": 1990, "BAG-11": 4900}
STOCK = {"MUG-01": 500, "TEE-07": 120, "CAP-02": 60, "BAG-11": 8}
USUAL_PROVIDER_FAILURES = 2


def _key(context: Context, length: int = 12) -> str:
    """The same for each attempt of this step of this task, and for no other."""
    return hashlib.sha256(f"{context.task_uuid}/{context.step_name}".encode()).hexdigest()[:length]


@handler("shop.validate_order")
def validate_order(context: Context) -> Dict[str, Any]:
    lines = []
    for item in context.get_input_or("items", []):
        price = PRICES_CENTS.get(item["sku"])
        if price is None:
            raise ValidationError(f"unknown article {item['sku']!r}", error_code="UNKNOWN_ARTICLE")
        lines.append({"sku": item["sku"], "quantity": item["quantity"], "cents": price * item["quantity"]})
    if not lines:
        raise ValidationError("an order needs items", error_code="EMPTY_ORDER")
    return {"order_id": context.get_input("order_id"), "lines": lines, "total_cents": sum(l["cents"] for l in lines)}


@handler("shop.reserve_stock")
def reserve_stock(context: Context) -> Dict[str, Any]:
    lines = context.get_dependency_field("validate_order", "lines")
    short = {line["sku"]: STOCK[line["sku"]] for line in lines if line["quantity"] > STOCK[line["sku"]]}
    if short:
        raise PermanentError("not enough in stock", error_code="OUT_OF_STOCK", context={"available": short})
    return {
        "reservation": f"res_{_key(context)}",
        "warehouse": context.get_config("warehouse"),
        "units": sum(line["quantity"] for line in lines),
    }


@handler("shop.charge_payment")
def charge_payment(context: Context) -> Dict[str, Any]:
    """The provider fails for the first attempts, as many as the order says."""
    payment = context.get_input("payment")
    if payment["token"] == "tok_declined":
        raise PermanentError("card declined", error_code="CARD_DECLINED", status_code=402)
    failures = payment.get("provider_failures", USUAL_PROVIDER_FAILURES)
    if context.attempt <= failures:
        raise RetryableError(
            f"payment provider unavailable (attempt {context.attempt} of {context.max_attempts})",
            error_code="PROVIDER_UNAVAILABLE",
            status_code=503,
        )
    return {
        "payment_id": f"pay_{_key(context)}",
        "charged_cents": context.get_dependency_field("validate_order", "total_cents"),
        "currency": context.get_config("currency"),
        "attempts": context.attempt,
    }


@handler("shop.ship_order")
def ship_order(context: Context) -> Dict[str, Any]:
    return {
        "carrier": context.get_config("carrier"),
        "tracking_number": f"GT{int(_key(context), 16) % 10**10:010d}",
        "units": context.get_dependency_field("reserve_stock", "units"),
    }


@handler("shop.notify_customer")
class NotifyCustomer:
    """Each way to notify is a method; the template names one."""

    def email(self, context: Context) -> Dict[str, Any]:
        return {"channel": "email", "to": context.get_input("customer")["email"], "text": self._text(context)}

    def sms(self, context: Context) -> Dict[str, Any]:
        return {"channel": "sms", "to": context.get_input("customer").get("phone"), "text": self._text(context)[:160]}

    def _text(self, context: Context) -> str:
        cents = context.get_dependency_field("charge_payment", "charged_cents")
        currency = context.get_dependency_field("charge_payment", "currency")
        tracking = context.get_dependency_field("ship_order", "tracking_number")
        name = context.get_input("customer").get("name", "customer")
        order = context.get_input("order_id")
        return f"Dear {name}, order {order} ({cents // 100}.{cents % 100:02d} {currency}) is on its way: {tracking}."
