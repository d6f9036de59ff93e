"""Handlers of the templates math_*.yaml: squares and products of whole numbers, exact at any size."""

from __future__ import annotations

from typing import Any, Dict, List, Union

from geartrain import Context, ValidationError, handler

_LARGEST = 2**63 - 1


def _carried(number: int) -> Union[int, str]:
    """JSON here holds integers of 64 bits; a larger one travels as its digits."""
    return number if -_LARGEST <= number <= _LARGEST else str(number)


def _value_of(context: Context, step: str) -> int:
    value = context.get_dependency_field(step, "value")
    if value is None:
        raise ValidationError(f"step {step!r} has no value", context={"known": context.get_dependency_result_keys()})
    return int(value)


@handler("math.square")
def square(context: Context) -> Dict[str, Any]:
    """The square of the step named by `of`, or of the task's even number."""
    step = context.get_config("of")
    number = _value_of(context, step) if step else context.get_input("even_number")
    if not isinstance(number, int) or number % 2:
        raise ValidationError(f"not an even number: {number!r}")
    return {"value": _carried(number * number)}


@handler("math.product")
def product(context: Context) -> Dict[str, Any]:
    """The product of the steps listed in `of`, squared if `square` says so."""
    factors: List[str] = context.get_config("of") or context.get_dependency_result_keys()
    number = 1
    for step in factors:
        number *= _value_of(context, step)
    return {"value": _carried(number * number if context.get_config("square") else number)}
