"""What workers and clients write down themselves, outside of nodes and database: one JSON object a line, on disk before it counts."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pathlib
import threading
import time
from typing import Any, Dict, List


class Ledger:
    """Appends to one file. A line is on disk when `write` returns."""

    def __init__(self, path: pathlib.Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._lock = threading.Lock()

    def write(self, *lines: Dict[str, Any]) -> None:
        now = time.monotonic()  # one clock for all processes of a machine
        text = "".join(json.dumps({"at": now, **line}) + "\n" for line in lines)
        with self._lock:
            os.write(self._file, text.encode())
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def read(directory: pathlib.Path) -> List[Dict[str, Any]]:
    """Every line of every ledger in the directory, in the order of time. The last line of a killed writer may be torn."""
    lines: List[Dict[str, Any]] = []
    for file in sorted(directory.glob("*.ledger")):
        for text in file.read_text().splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                continue
    lines.sort(key=lambda line: line["at"])
    return lines


def nonce_of(token: str) -> int:
    """The random number in a lease token, as the column lease_nonce shows it."""
    body = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    return int.from_bytes(body[32:40], "big", signed=True)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]
