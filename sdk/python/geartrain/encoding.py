"""JSON as a node accepts it.

A node stores JSON in PostgreSQL and computes with 64-bit numbers. It refuses what would not survive that: U+0000, lone
surrogates, NaN and infinities, integers outside 64 bits, nesting deeper than 64 levels. Finding this out here, where
the value was made, gives an error that names the spot instead of a refused request.
"""

from __future__ import annotations

import json
import re
from typing import Any

MIN_INTEGER = -(2**63)
MAX_INTEGER = 2**64 - 1
MAX_DEPTH = 64
MAX_RESULT_BYTES = 1 << 20

# Levels that the request's own envelope puts around a result: the body, `results`, the item.
_ENVELOPE_DEPTH = 3
_NEEDS_A_LOOK = re.compile(r"\d{19}|\\u0000")


class EncodingError(ValueError):
    """The value cannot be carried as JSON; the message says where and why."""


def encode(value: Any) -> str:
    """JSON text of `value`. Raises EncodingError."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode("utf-8"))
    except RecursionError:
        raise EncodingError("nested too deep") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise EncodingError(str(error)) from None
    if size > MAX_RESULT_BYTES:
        raise EncodingError(f"{size} bytes of JSON are over the limit of {MAX_RESULT_BYTES}")
    # The walk costs more than the encoding, so it is made only for texts that could hold something refused.
    if text.count("[") + text.count("{") > MAX_DEPTH - _ENVELOPE_DEPTH or _NEEDS_A_LOOK.search(text):
        _check(json.loads(text), "$", _ENVELOPE_DEPTH)
    return text


def _check(value: Any, path: str, depth: int) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise EncodingError(f"{path} holds the character U+0000")
    elif isinstance(value, int):
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            raise EncodingError(f"{path} is an integer outside 64 bits; send it as a string")
    elif isinstance(value, (dict, list)):
        if depth + 1 > MAX_DEPTH:
            raise EncodingError(f"{path} is nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            for key, item in value.items():
                _check(key, f"a key of {path}", depth)
                _check(item, f"{path}.{key}", depth + 1)
        else:
            for index, item in enumerate(value):
                _check(item, f"{path}[{index}]", depth + 1)


def clean_text(text: str, limit: int = 8192) -> str:
    """`text` as it can be stored: without U+0000 and lone surrogates, cut at `limit` characters."""
    printable = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
    return printable if len(printable) <= limit else printable[: limit - 1] + "…"


def encode_or_describe(value: Any) -> str:
    """JSON text of `value`, or of its printed form where it is not JSON. For what only explains a failure."""
    try:
        return encode(value)
    except EncodingError:
        return encode({"unserializable": clean_text(repr(value), 2048)})
