"""Handlers of the template user_registration.yaml. Each stands for a call to a service of its own."""

from __future__ import annotations

import uuid
from typing import Any, Dict

from geartrain import Context, PermanentError, handler

_USERS = uuid.UUID("9b0f5a1e-6f0c-4f4e-9a57-0c6d7a1b2c3d")
_BLOCKED_DOMAINS = {"invalid.example"}


@handler("accounts.create_user")
def create_user(context: Context) -> Dict[str, Any]:
    """The id follows from the address, so that a repeated run finds the same user."""
    email = context.get_input("email").strip().lower()
    if email.rpartition("@")[2] in _BLOCKED_DOMAINS:
        raise PermanentError(f"addresses of {email.rpartition('@')[2]} are not accepted", error_code="BLOCKED_DOMAIN")
    return {
        "user_id": str(uuid.uuid5(_USERS, email)),
        "email": email,
        "plan": context.get_input_or("plan", "free"),
        "status": "created",
    }


@handler("accounts.setup_billing")
def setup_billing(context: Context) -> Dict[str, Any]:
    user = context.get_dependency_result("create_user")
    monthly = context.get_config("monthly_cents")[user["plan"]]
    if monthly == 0:
        return {"billing_id": None, "monthly_cents": 0, "status": "not_needed"}
    return {"billing_id": f"bill_{user['user_id'][:8]}", "monthly_cents": monthly, "status": "active"}


@handler("accounts.set_preferences")
def set_preferences(context: Context) -> Dict[str, Any]:
    plan = context.get_dependency_field("create_user", "plan")
    return {
        "language": context.get_input_or("language", context.get_config("language")),
        "newsletter": plan == "free",
        "priority_support": plan == "enterprise",
    }


@handler("accounts.send_welcome")
def send_welcome(context: Context) -> Dict[str, Any]:
    user = context.get_dependency_result("create_user")
    channels = ["email", "in_app"]
    if context.get_dependency_field("set_preferences", "priority_support"):
        channels.append("phone")
    cents = context.get_dependency_field("setup_billing", "monthly_cents")
    price = f"{cents // 100}.{cents % 100:02d} a month" if cents else "free of charge"
    return {
        "to": user["email"],
        "channels": channels,
        "text": f"Welcome, {context.get_input('name')}! Your plan: {user['plan']}, {price}.",
    }


@handler("accounts.update_status")
def update_status(context: Context) -> Dict[str, Any]:
    user = context.get_dependency_result("create_user")
    return {
        "user_id": user["user_id"],
        "status": "active",
        "billing": context.get_dependency_field("setup_billing", "status"),
        "language": context.get_dependency_field("set_preferences", "language"),
        "welcomed_by": context.get_dependency_field("send_welcome", "channels"),
    }
