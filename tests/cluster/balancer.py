"""A plain TCP balancer: round robin over the nodes that say they are ready. It retries nothing and looks into nothing."""

from __future__ import annotations

import socket
import threading
from typing import Any, Dict, List, Sequence

from geartrain.transport import Connection, TransportError

CHECK_SECONDS = 0.1


class Balancer:
    def __init__(self, urls: Sequence[str]) -> None:
        self._ready: Dict[str, bool] = {url: False for url in urls}
        self._next = 0
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._threads: List[threading.Thread] = []
        self.refused = 0  # connections for which no node was ready
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "Balancer":
        for url in self._ready:
            self._check(url)
            self._start(self._keep_checking, url)
        self._start(self._accept)
        return self

    def __exit__(self, *_: Any) -> None:
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def ready(self) -> List[str]:
        return [url for url, ready in self._ready.items() if ready]

    def _start(self, run: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _keep_checking(self, url: str) -> None:
        while not self._stopping.wait(CHECK_SECONDS):
            self._check(url)

    def _check(self, url: str) -> None:
        connection = Connection(url)
        try:
            self._ready[url] = connection.request("GET", "/health/ready", timeout=1.0).status == 200
        except TransportError:
            self._ready[url] = False
        finally:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            ready = self.ready()
            if not ready:
                self.refused += 1
                client.close()
                continue
            self._next += 1
            host, port = ready[self._next % len(ready)].removeprefix("http://").rsplit(":", 1)
            try:
                server = socket.create_connection((host, int(port)), timeout=1.0)
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.settimeout(None)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
