"""Values that a scripted handler computes from the step it was given.

A string that starts with `$` is a path into the step: `$context.amount`, `$inputs.cursor.start_cursor`, `$config.unit`,
`$dependencies.validate.total`, `$checkpoint.cursor`, `$attempt`, `$name`, `$previous_error.message`. A map with a single key that
starts with `$` is a function: `$sum`, `$product`, `$minus`, `$less`, `$if` (condition, then, else), `$length`, `$names` (of the steps
with a result whose name starts with a prefix, sorted), `$results` (their results), `$range` (from, to). Everything else stands
for itself.
"""

from __future__ import annotations

import math
from typing import Any, Mapping


class ExpressionError(ValueError):
    """The script asks for something that the step does not have."""


def evaluate(value: Any, step: Mapping[str, Any]) -> Any:
    """`value` with its paths and functions replaced by what they mean for `step`."""
    if isinstance(value, str) and value.startswith("$"):
        return _path(value[1:], step)
    if isinstance(value, list):
        return [evaluate(item, step) for item in value]
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)).startswith("$"):
            name, arguments = next(iter(value.items()))
            return _call(name, arguments, step)
        return {key: evaluate(item, step) for key, item in value.items()}
    return value


def _root(name: str, step: Mapping[str, Any]) -> Any:
    if name == "context":
        return step["task"]["context"]
    if name == "config":
        return step["handler"]["initialization"]
    if name == "dependencies":
        return {key: value.get("result") for key, value in step["dependency_results"].items()}
    if name in step:
        return step[name]
    raise ExpressionError(f"a step has no {name!r}")


def _path(text: str, step: Mapping[str, Any]) -> Any:
    head, *rest = text.split(".")
    value = _root(head, step)
    for part in rest:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _named(prefix: str, step: Mapping[str, Any]) -> list:
    return sorted(name for name in step["dependency_results"] if name.startswith(prefix))


def _call(name: str, arguments: Any, step: Mapping[str, Any]) -> Any:
    if name == "$if":
        condition, then, otherwise = arguments
        return evaluate(then if evaluate(condition, step) else otherwise, step)
    given = evaluate(arguments, step)
    if name == "$sum":
        return sum(given)
    if name == "$product":
        return math.prod(given)
    if name == "$minus":
        return given[0] - given[1]
    if name == "$less":
        return given[0] < given[1]
    if name == "$length":
        return len(given)
    if name == "$range":
        return list(range(given[0], given[1]))
    if name == "$names":
        return _named(given, step)
    if name == "$results":
        return [step["dependency_results"][key].get("result") for key in _named(given, step)]
    raise ExpressionError(f"no function {name}")
