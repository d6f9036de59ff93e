"""The worker: a few slots, the heartbeat of their leases, and an orderly end."""

from __future__ import annotations

import collections
import logging
import os
import queue
import secrets
import signal
import socket
import threading
import time
from types import FrameType
from typing import Any, Counter, Iterable, List, Mapping, Optional, Union

from ..handlers import Registry, registry_of
from .heartbeat import Heartbeats
from .slot import Settings, Slot

log = logging.getLogger("geartrain.worker")

# How long a poll that was ended softly may take to come back before its connection is cut.
_SOFT_END = 1.0
_LOOK = 0.02


def default_worker_id() -> str:
    """Host, process and a random part: unique also when process ids repeat."""
    return f"{socket.gethostname()[:96]}-{os.getpid()}-{secrets.token_hex(4)}"


class Worker:
    """Runs handlers for steps that it takes from a node.

    `run` serves until `stop` is called or the process is told to end. `concurrency` steps run at a time, each in its own
    thread. `poll_wait_ms` bounds how long an idle poll waits in the node. When it stops it takes no more steps, waits up
    to `drain_seconds` for those that run, and delivers their results. A result is never given up before that, whatever
    happens to the node. A second signal ends the process at once.
    """

    def __init__(
        self,
        url: str,
        namespaces: Iterable[str],
        handlers: Union[None, Registry, Mapping[str, Any]] = None,
        *,
        concurrency: int = 4,
        worker_id: Optional[str] = None,
        poll_wait_ms: int = 20000,
        drain_seconds: float = 30.0,
        headers: Optional[Mapping[str, str]] = None,
    ) -> None:
        self.namespaces: List[str] = [namespaces] if isinstance(namespaces, str) else list(namespaces)
        self.registry = registry_of(handlers)
        self.worker_id = worker_id or default_worker_id()
        if not self.namespaces:
            raise ValueError("a worker needs at least one namespace")
        if not 1 <= concurrency <= 1000:
            raise ValueError("concurrency must be from 1 to 1000")
        if not 0 <= poll_wait_ms <= 60000:
            raise ValueError("poll_wait_ms must be from 0 to 60000")
        if not 1 <= len(self.worker_id) <= 128:
            raise ValueError("worker_id must have 1 to 128 characters")
        if len(self.registry) == 0:
            raise ValueError("no handlers are registered")
        self._settings = Settings(url, self.worker_id, self.namespaces, poll_wait_ms, dict(headers or {}))
        self._drain_seconds = drain_seconds
        self._stopping = threading.Event()
        self._given_up = threading.Event()
        # A signal handler may interrupt any line of this thread; of the ways to wake it only this one is reentrant.
        self._wake: "queue.SimpleQueue[None]" = queue.SimpleQueue()
        self._heartbeats = Heartbeats(url, self.worker_id, headers)
        self._slots = [
            Slot(self._settings, self.registry, self._heartbeats, self._stopping, self._given_up)
            for _ in range(concurrency)
        ]
        self._signals = 0

    @property
    def counts(self) -> Counter[str]:
        """Steps `run`, and results `accepted`, `duplicate`, `stale`, `invalid`."""
        total: Counter[str] = collections.Counter()
        for slot in self._slots:
            total.update(slot.counts)
        return total

    def stop(self) -> None:
        """From any thread or signal handler: asks `run` to end in order."""
        self._wake.put(None)

    def run(self) -> bool:
        """Serves until stopped. A worker runs once. True when everything that ran was delivered."""
        threads = [
            threading.Thread(target=slot.run, name=f"geartrain-slot-{index}", daemon=True)
            for index, slot in enumerate(self._slots)
        ]
        previous = self._take_signals()
        try:
            self._heartbeats.start()
            for thread in threads:
                thread.start()
            log.info("worker %s polls %s for %s", self.worker_id, self._settings.url, ", ".join(self.namespaces))
            self._wake.get()
            return self._drain(threads)
        finally:
            self._stopping.set()
            self._given_up.set()
            self._heartbeats.stop()
            for number, handler in previous.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _drain(self, threads: List[threading.Thread]) -> bool:
        log.info("worker %s stops: %d steps still run", self.worker_id, len(self._heartbeats.held()))
        self._stopping.set()
        begin = time.monotonic()
        alive = threads
        while alive and time.monotonic() - begin < self._drain_seconds:
            for slot in self._slots:
                slot.interrupt(hard=time.monotonic() - begin > _SOFT_END)
            alive[0].join(_LOOK)
            alive = [thread for thread in alive if thread.is_alive()]
        if not alive:
            log.info("worker %s stopped, everything is delivered", self.worker_id)
            return True
        for lease in self._heartbeats.held():
            lease.context.mark_stopping()
            log.error("step %s still runs; its lease will expire and it will run again", lease.step_uuid)
        for step in (step for slot in self._slots for step in slot.undelivered):
            log.error("step %s: its result could not be delivered; it will run again", step)
        return False

    # -- signals ---------------------------------------------------------------

    def _take_signals(self) -> Mapping[int, Any]:
        if threading.current_thread() is not threading.main_thread():
            return {}
        return {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}

    def _on_signal(self, number: int, _frame: Optional[FrameType]) -> None:
        self._signals += 1
        if self._signals > 1:
            os._exit(128 + number)
        self.stop()
