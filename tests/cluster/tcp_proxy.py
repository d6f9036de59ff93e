"""A TCP proxy inside the test, whose connections can be held, dropped, reset and cut in the middle of a message."""

from __future__ import annotations

import errno
import os
import pathlib
import queue
import selectors
import socket
import struct
import threading
from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple, Union

Target = Union[str, Tuple[str, int]]  # the path of a Unix socket, or address and port

BUFFER = 256 * 1024
CONNECT_SECONDS = 1.0

PASS, HOLD, DROP, RESET = "pass", "hold", "drop", "reset"


class Cut:
    """One reason why bytes do not pass. HOLD keeps them and delivers them late, as a network does that comes back; DROP loses
    them without a word, and what was open is reset at the end; RESET refuses at once."""

    def __init__(self, mode: str, callers: Optional[Iterable[str]]) -> None:
        self.mode = mode
        self.callers: Optional[Set[str]] = None if callers is None else set(callers)  # None: everybody

    def concerns(self, caller: str) -> bool:
        return self.callers is None or caller in self.callers


class _Link:
    """A client's connection and the one that stands for it at the target."""

    def __init__(self, client: socket.socket, caller: str) -> None:
        self.ends: List[Optional[socket.socket]] = [client, None]
        self.waiting = [b"", b""]  # received from the end of that number, not yet sent to the other
        self.ended = [False, False]
        self.caller = caller
        self.broken = False  # bytes were lost


class Proxy:
    """Passes what comes to `address` on to a target. All sockets belong to one thread; others talk to it through a queue.

    `caller_of` names the client of a connection, given the port that it came from, so that a cut can concern some clients only.
    """

    def __init__(self, target: Target, *, host: str = "127.0.0.1", caller_of: Optional[Callable[[int, int], str]] = None) -> None:
        self.target = target
        self._caller_of = caller_of or (lambda client_port, own_port: "")
        self._listener = socket.create_server((host, 0), backlog=128)
        self._listener.setblocking(False)
        self.host, self.port = self._listener.getsockname()[:2]
        self._selector = selectors.DefaultSelector()
        self._links: Set[_Link] = set()
        self._cuts: List[Cut] = []
        self._trap: Optional[Tuple[int, int]] = None  # from which end, and how many bytes still pass
        self.traps_sprung = 0
        self._tasks: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._open = True
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._woken, selectors.EVENT_READ, self._run_tasks)
        self._thread = threading.Thread(target=self._run, name=f"proxy-{self.port}", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    # -- from any thread ---------------------------------------------------------------

    def cut(self, mode: str, callers: Optional[Iterable[str]] = None) -> Cut:
        """Until `heal` is called with what this returns."""
        made = Cut(mode, callers)
        self._do(lambda: self._apply(made))
        return made

    def heal(self, cut: Cut) -> None:
        self._do(lambda: self._end(cut))

    def reset_all(self) -> None:
        self._do(lambda: [self._reset(link) for link in list(self._links)])

    def reset_after(self, count: int, from_target: bool = False) -> None:
        """When so many more bytes have passed in that direction, every connection is reset, once. 0 takes that back."""
        self._do(lambda: setattr(self, "_trap", (1 if from_target else 0, count) if count else None))

    def switch(self, target: Target) -> None:
        """What is open is reset; new connections go to the new target."""
        self._do(lambda: self._switch(target))

    def close(self) -> None:
        if self._thread.is_alive():
            self._do(lambda: setattr(self, "_open", False))
            self._thread.join()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _do(self, task: Callable[[], Any]) -> None:
        """Runs it in the proxy's thread, and waits until it has run."""
        done = threading.Event()

        def run() -> None:
            try:
                task()
            finally:
                done.set()

        self._tasks.put(run)
        self._wake.send(b"\0")
        done.wait(10)

    # -- in the proxy's thread ------------------------------------------------------------

    def _run(self) -> None:
        while self._open:
            for key, events in self._selector.select():
                if callable(key.data):
                    key.data()
                else:
                    self._serve(*key.data, events)
        for link in list(self._links):
            self._reset(link)
        for one in (self._listener, self._wake, self._woken):
            one.close()
        self._selector.close()

    def _run_tasks(self) -> None:
        try:
            self._woken.recv(4096)
        except BlockingIOError:
            pass
        while not self._tasks.empty():
            self._tasks.get()()

    def _mode(self, link: _Link) -> str:
        return next((cut.mode for cut in self._cuts if cut.concerns(link.caller)), PASS)

    def _apply(self, cut: Cut) -> None:
        self._cuts.append(cut)
        for link in list(self._links):
            if self._mode(link) == RESET:
                self._reset(link)
            else:
                self._watch(link)

    def _end(self, cut: Cut) -> None:
        if cut in self._cuts:
            self._cuts.remove(cut)
        for link in list(self._links):
            if self._mode(link) != PASS:
                continue
            if link.broken or (link.ends[1] is None and not self._connect(link)):
                self._reset(link)
            else:
                self._watch(link)

    def _switch(self, target: Target) -> None:
        self.target = target
        for link in list(self._links):
            self._reset(link)

    def _accept(self) -> None:
        try:
            client, address = self._listener.accept()
        except OSError:
            return
        client.setblocking(False)
        link = _Link(client, self._caller_of(address[1], self.port))
        self._links.add(link)
        mode = self._mode(link)
        if mode == RESET or (mode == PASS and not self._connect(link)):
            self._reset(link)
        else:
            self._watch(link)

    def _connect(self, link: _Link) -> bool:
        family = socket.AF_UNIX if isinstance(self.target, str) else socket.AF_INET
        server = socket.socket(family, socket.SOCK_STREAM)
        server.settimeout(CONNECT_SECONDS)
        try:
            server.connect(self.target)
        except OSError:
            server.close()
            return False
        server.setblocking(False)
        for one in (link.ends[0], server):
            if one is not None and one.family == socket.AF_INET:
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.ends[1] = server
        return True

    def _watch(self, link: _Link) -> None:
        """Tells the selector what may be done with both ends now."""
        mode = self._mode(link)
        for end in (0, 1):
            own = link.ends[end]
            if own is None:
                continue
            events = 0
            if mode != HOLD and not link.ended[end] and len(link.waiting[end]) < BUFFER:
                events |= selectors.EVENT_READ
            if mode == PASS and link.waiting[1 - end]:
                events |= selectors.EVENT_WRITE
            try:
                registered = self._selector.get_key(own).events
            except KeyError:
                registered = 0
            if events == registered:
                continue
            if not registered:
                self._selector.register(own, events, (link, end))
            elif events:
                self._selector.modify(own, events, (link, end))
            else:
                self._selector.unregister(own)

    def _serve(self, link: _Link, end: int, events: int) -> None:
        if link not in self._links:
            return
        mode = self._mode(link)
        try:
            if events & selectors.EVENT_READ and mode != HOLD:
                self._read(link, end, mode)
            if link in self._links and mode == PASS:
                self._write(link)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK):
                self._reset(link)
                return
        if link in self._links:
            if all(link.ended) and not any(link.waiting):
                self._close(link)
            else:
                self._watch(link)

    def _read(self, link: _Link, end: int, mode: str) -> None:
        own = link.ends[end]
        assert own is not None
        data = own.recv(65536)
        if mode == DROP:
            link.broken = True
            link.ended[end] = link.ended[end] or not data
            return
        if not data:
            link.ended[end] = True
            if not link.waiting[end]:
                self._finish(link, end)
            return
        link.waiting[end] += data
        if self._trap is not None and self._trap[0] == end:
            self._count(link, end, len(data))

    def _count(self, link: _Link, end: int, count: int) -> None:
        assert self._trap is not None
        left = self._trap[1] - count
        if left > 0:
            self._trap = (end, left)
            return
        self._trap = None
        self.traps_sprung += 1
        link.waiting[end] = link.waiting[end][: len(link.waiting[end]) + left]
        self._write(link)
        for one in list(self._links):
            self._reset(one)

    def _write(self, link: _Link) -> None:
        for end in (0, 1):
            other = link.ends[1 - end]
            if other is None or not link.waiting[end]:
                continue
            try:
                sent = other.send(link.waiting[end])
            except BlockingIOError:
                continue
            link.waiting[end] = link.waiting[end][sent:]
            if link.ended[end] and not link.waiting[end]:
                self._finish(link, end)

    def _finish(self, link: _Link, end: int) -> None:
        """Everything that this end sent has been passed on."""
        other = link.ends[1 - end]
        if other is not None:
            other.shutdown(socket.SHUT_WR)
        else:
            link.ended[1 - end] = True

    def _close(self, link: _Link) -> None:
        self._links.discard(link)
        for own in link.ends:
            if own is None:
                continue
            try:
                self._selector.unregister(own)
            except KeyError:
                pass
            own.close()

    def _reset(self, link: _Link) -> None:
        for own in link.ends:
            if own is not None and own.family == socket.AF_INET:
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._close(link)


def caller_by_process(processes: Callable[[], Dict[str, int]]) -> Callable[[int, int], str]:
    """For `caller_of`: which of these processes, given by name, holds the other end of a connection within this machine."""

    def find(client_port: int, own_port: int) -> str:
        inode = _socket_inode(client_port, own_port)
        for name, process in processes().items():
            try:
                for descriptor in os.scandir(f"/proc/{process}/fd"):
                    if inode and os.readlink(descriptor.path) == f"socket:[{inode}]":
                        return name
            except OSError:
                continue
        return ""

    return find


def _socket_inode(local_port: int, remote_port: int) -> str:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = pathlib.Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if int(fields[1].rsplit(":", 1)[1], 16) == local_port and int(fields[2].rsplit(":", 1)[1], 16) == remote_port:
                return fields[9]
    return ""
