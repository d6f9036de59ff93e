"""One keep-alive HTTP connection to a node.

A request leaves in a single send. `http.client` sends headers and body apart, which on a kept connection costs a second
packet and can wait for the peer's delayed acknowledgement; `_OneSend` gathers both.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import select
import socket
import ssl
import time
import urllib.parse
from typing import Any, Dict, List, Mapping, Optional, Union

CONNECT_TIMEOUT = 5.0

# A connection that lay idle this long is looked at before use: the node may have closed it meanwhile.
_IDLE_CHECK_SECONDS = 1.0


class TransportError(Exception):
    """No usable answer: refused, reset, timed out, or not HTTP."""


class Response:
    """An answer as it came."""

    __slots__ = ("status", "headers", "body")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        """The body as JSON; None for an empty body. Raises TransportError."""
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise TransportError(f"the answer is not JSON: {error}") from error

    def retry_after(self) -> Optional[float]:
        """Seconds of the Retry-After header, if there is a usable one."""
        text = self.headers.get("retry-after")
        if not text:
            return None
        try:
            return max(0.0, float(text))
        except ValueError:
            pass
        try:
            return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
        except (TypeError, ValueError):
            return None


class _OneSend:
    """Mixed into http.client's connections: what is sent between two flushes leaves together."""

    sock: Any
    _gathered: Optional[List[bytes]] = None

    def send(self, data: Any) -> None:
        if self._gathered is not None:
            self._gathered.append(data)
        else:
            super().send(data)  # type: ignore[misc]

    def transmit(self, method: str, target: str, headers: Mapping[str, str], body: Optional[bytes]) -> None:
        self._gathered = []
        try:
            self.request(method, target, body=body, headers=headers)  # type: ignore[attr-defined]
        finally:
            parts, self._gathered = self._gathered, None
        super().send(b"".join(parts))  # type: ignore[misc]


class _Plain(_OneSend, http.client.HTTPConnection):
    pass


class _Secure(_OneSend, http.client.HTTPSConnection):
    pass


class Connection:
    """A connection of one thread. Other threads may call only `abandon` and `hang_up`.

    It connects when first used and again after an error. It never repeats a request by itself.
    """

    def __init__(self, url: str, headers: Optional[Mapping[str, str]] = None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http(s) URL: {url!r}")
        self._prefix = parts.path.rstrip("/")
        self._http: Union[_Plain, _Secure]
        if parts.scheme == "https":
            self._http = _Secure(
                parts.hostname, parts.port, timeout=CONNECT_TIMEOUT, context=ssl.create_default_context()
            )
        else:
            self._http = _Plain(parts.hostname, parts.port, timeout=CONNECT_TIMEOUT)
        self._headers: Dict[str, str] = {"Accept": "application/json", **(headers or {})}
        self._last_used = 0.0

    @property
    def socket(self) -> Optional[socket.socket]:
        """The open socket, if any."""
        return self._http.sock

    def request(
        self,
        method: str,
        target: str,
        body: Optional[bytes] = None,
        *,
        content_type: str = "application/json",
        timeout: float = 30.0,
    ) -> Response:
        """One exchange. `timeout` (seconds) bounds each wait for the node. Raises TransportError; the connection
        is closed then, and whether the node saw the request is unknown."""
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            self._make_ready(timeout)
            self._http.transmit(method, self._prefix + target, headers, body)
            answer = self._http.getresponse()
            content = answer.read()
            self._last_used = time.monotonic()
            return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise TransportError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from error
        except BaseException:
            self.close()
            raise

    def _make_ready(self, timeout: float) -> None:
        sock = self._http.sock
        if sock is not None and time.monotonic() - self._last_used > _IDLE_CHECK_SECONDS and _readable(sock):
            self.close()  # nothing was asked, so what can be read is the end of the connection
            sock = None
        if sock is None:
            self._http.connect()
            sock = self._http.sock
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sock.gettimeout() != timeout:
            sock.settimeout(timeout)

    def close(self) -> None:
        """Closes; the next request connects again."""
        self._http.close()

    def abandon(self) -> None:
        """From any thread: tells the node that nothing more will be asked, but still takes the answer to what was.
        An answer that is on its way already is not lost that way; a node that waits with it sees the end."""
        _shutdown(self._http.sock, socket.SHUT_WR)

    def hang_up(self) -> None:
        """From any thread: ends the exchange now; the request under way raises TransportError."""
        _shutdown(self._http.sock, socket.SHUT_RDWR)


def _readable(sock: socket.socket) -> bool:
    try:
        poller = select.poll()
        poller.register(sock, select.POLLIN)
        return bool(poller.poll(0))
    except AttributeError:  # a platform without poll
        return bool(select.select([sock], [], [], 0)[0])


def _shutdown(sock: Optional[socket.socket], how: int) -> None:
    if sock is None:
        return
    try:
        if isinstance(sock, ssl.SSLSocket):
            how = socket.SHUT_RDWR  # TLS knows no half-closed connection
        sock.shutdown(how)
    except OSError:
        pass  # already gone
