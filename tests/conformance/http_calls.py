"""HTTP as the scenarios need it: any answer is an answer, also a refusal."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Optional

from harness import SDK  # noqa: F401  (puts the SDK on the path)
from geartrain.transport import Connection


class Answer:
    """Status, headers and the decoded body; the text itself where it is not JSON."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = dict(headers)
        try:
            self.body: Any = json.loads(body) if body else None
        except ValueError:
            self.body = body.decode("utf-8", "replace")


class Http:
    """One connection of one thread."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connections: Dict[str, Connection] = {}

    def call(self, method: str, target: str, body: Any = None, *, text: Optional[str] = None,
             content_type: str = "application/json", timeout: float = 60.0,
             headers: Optional[Mapping[str, str]] = None) -> Answer:
        """`text` is sent as it is, `body` as JSON."""
        raw = text.encode("utf-8") if text is not None else None if body is None else json.dumps(body).encode("utf-8")
        # Headers belong to a connection in the SDK; those of a scenario are rare, so they get one of their own.
        key = json.dumps(sorted((headers or {}).items()))
        connection = self._connections.setdefault(key, Connection(self.url, headers))
        response = connection.request(method, target, raw, content_type=content_type, timeout=timeout)
        return Answer(response.status, response.headers, response.body)

    def hang_up(self) -> None:
        """From any thread: ends the exchange under way."""
        for connection in list(self._connections.values()):
            connection.hang_up()

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()


