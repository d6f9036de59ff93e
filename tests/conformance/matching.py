"""What an answer must look like.

A map must have at least the keys of the pattern; a list must have the same length and match item by item; other values must
be equal. Patterns with a meaning of their own:

    "$any"  anything but null        "$uuid"  a UUID          "$time"  a timestamp in UTC      "$absent"  no such key, or null
    {"$min": 1, "$max": 2}           {"$one_of": [...]}       {"$not": pattern}                {"$matches": "regular expression"}
    {"$contains": [...]}  a list with an item for each pattern                {"$set": [...]}  the same items in any order
    {"$keys": [...]}  a map with exactly these keys                           {"$length": pattern}
    {"$all": [...]}  every pattern    {"$every": pattern}  each item of the list matches
    {"$before": time}, {"$after": time}
"""

from __future__ import annotations

import json
import re
from typing import Any, List, Optional

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_ABSENT = object()


def mismatch(pattern: Any, value: Any, path: str = "$") -> Optional[str]:
    """Says where `value` is not as `pattern` wants it; None when it is."""
    if isinstance(pattern, str) and pattern.startswith("$"):
        return _named(pattern, value, path)
    if value is _ABSENT:
        return f"{path} is missing, wanted {_short(pattern)}"
    if isinstance(pattern, dict):
        if pattern and all(key.startswith("$") for key in pattern):
            return _first(_function(name, argument, value, path) for name, argument in pattern.items())
        if not isinstance(value, dict):
            return f"{path} is {_short(value)}, wanted a map"
        return _first(mismatch(item, value.get(key, _ABSENT), f"{path}.{key}") for key, item in pattern.items())
    if isinstance(pattern, list):
        if not isinstance(value, list):
            return f"{path} is {_short(value)}, wanted a list"
        if len(pattern) != len(value):
            return f"{path} has {len(value)} items, wanted {len(pattern)}: {_short(value)}"
        return _first(mismatch(p, v, f"{path}[{i}]") for i, (p, v) in enumerate(zip(pattern, value)))
    if isinstance(pattern, bool) != isinstance(value, bool) or pattern != value:
        return f"{path} is {_short(value)}, wanted {_short(pattern)}"
    return None


def _first(found: Any) -> Optional[str]:
    return next((problem for problem in found if problem), None)


def _named(name: str, value: Any, path: str) -> Optional[str]:
    if name == "$absent":
        return None if value is _ABSENT or value is None else f"{path} is {_short(value)}, wanted nothing"
    if value is _ABSENT:
        return f"{path} is missing"
    good = {
        "$any": lambda: value is not None,
        "$uuid": lambda: isinstance(value, str) and _UUID.fullmatch(value),
        "$time": lambda: isinstance(value, str) and _TIME.fullmatch(value),
    }
    if name not in good:
        raise ValueError(f"no pattern {name}")
    return None if good[name]() else f"{path} is {_short(value)}, wanted {name}"


def _function(name: str, argument: Any, value: Any, path: str) -> Optional[str]:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name == "$min":
        return None if number and value >= argument else f"{path} is {_short(value)}, wanted at least {argument}"
    if name == "$max":
        return None if number and value <= argument else f"{path} is {_short(value)}, wanted at most {argument}"
    if name == "$before":
        return None if isinstance(value, str) and value < argument else f"{path} is {_short(value)}, wanted before {argument}"
    if name == "$after":
        return None if isinstance(value, str) and value > argument else f"{path} is {_short(value)}, wanted after {argument}"
    if name == "$one_of":
        return None if any(not mismatch(p, value, path) for p in argument) else f"{path} is {_short(value)}, wanted one of {_short(argument)}"
    if name == "$not":
        return None if mismatch(argument, value, path) else f"{path} is {_short(value)}, which it must not be"
    if name == "$matches":
        return None if isinstance(value, str) and re.search(argument, value) else f"{path} is {_short(value)}, wanted /{argument}/"
    if name == "$all":
        return _first(mismatch(p, value, path) for p in argument)
    if name == "$length":
        return mismatch(argument, len(value), f"{path}.length") if isinstance(value, (list, dict, str)) else f"{path} has no length"
    if name == "$keys":
        return None if isinstance(value, dict) and sorted(value) == sorted(argument) else (
            f"{path} has the keys {_short(sorted(value) if isinstance(value, dict) else value)}, wanted {_short(sorted(argument))}")
    if not isinstance(value, list):
        return f"{path} is {_short(value)}, wanted a list"
    if name == "$every":
        return _first(mismatch(argument, item, f"{path}[{i}]") for i, item in enumerate(value))
    if name == "$contains":
        return _contains(argument, value, path)
    if name == "$set":
        if len(argument) != len(value):
            return f"{path} has {len(value)} items, wanted {len(argument)}: {_short(value)}"
        return _contains(argument, value, path)
    raise ValueError(f"no pattern {name}")


def _contains(patterns: List[Any], value: List[Any], path: str) -> Optional[str]:
    left = list(value)
    for pattern in patterns:
        for index, item in enumerate(left):
            if not mismatch(pattern, item):
                del left[index]
                break
        else:
            return f"{path} has no item like {_short(pattern)}: {_short(value)}"
    return None


def _short(value: Any, limit: int = 600) -> str:
    if value is _ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else text[:limit] + "…"
