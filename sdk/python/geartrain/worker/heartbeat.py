"""Keeps the leases of running steps alive, and tells their handlers when a lease is gone."""

from __future__ import annotations

import datetime
import json
import logging
import threading
import time
from typing import Any, Dict, List, Mapping, Optional

from ..context import Context
from ..encoding import EncodingError, encode
from ..errors import CheckpointError, ValidationError
from ..transport import Connection, TransportError

log = logging.getLogger("geartrain.worker")

# What is assumed when the node does not say, and the longest length that is relied on. The wire gives the end of a lease by
# the node's clock; this bounds the harm when this machine's clock is behind it.
LONGEST_LEASE = 30.0

# How often a lease is renewed when its end seems to be over already, which means that this clock is ahead.
_INTERVAL_UNDER_SKEW = 1.0
_SHORTEST_TICK = 0.01

# How long a handler waits for its checkpoint to be durable, and how often it asks again meanwhile.
_CHECKPOINT_PATIENCE = 10.0
_CHECKPOINT_PAUSE = 0.2


class Lease:
    """A step that this worker holds."""

    __slots__ = ("step_uuid", "token", "context", "interval", "renewed")

    def __init__(self, step: Mapping[str, Any], context: Context) -> None:
        self.step_uuid: str = step["step_uuid"]
        self.token: str = step["lease_token"]
        self.context = context
        self.interval = _interval(step.get("lease_expires_at"))
        self.renewed = time.monotonic()


def _interval(expires_at: Optional[str]) -> float:
    """Seconds between two renewals: a third of the lease."""
    length = LONGEST_LEASE
    if expires_at:
        try:
            end = datetime.datetime.fromisoformat(expires_at.replace("Z", "+00:00")).timestamp()
            length = min(end - time.time(), LONGEST_LEASE)
        except ValueError:
            pass
    return length / 3 if length > 0 else _INTERVAL_UNDER_SKEW


class Heartbeats:
    """One thread that renews every lease at a third of its length. `add` and `remove` are safe from any thread and cost no
    wake-up, since the thread ticks at half the shortest interval and renews what passed half of its own."""

    def __init__(self, url: str, worker_id: str, headers: Optional[Mapping[str, str]] = None) -> None:
        self._connection = Connection(url, headers)
        self._worker_id = worker_id
        self._checkpoints = Connection(url, headers)
        self._saving = threading.Lock()  # checkpoints of several handlers take turns on their connection
        self._changed = threading.Condition()
        self._leases: Dict[str, Lease] = {}
        self._tick = LONGEST_LEASE / 6
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="geartrain-heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, without waiting for an exchange that hangs."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._connection.hang_up()
        self._checkpoints.hang_up()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def add(self, lease: Lease) -> None:
        with self._changed:
            self._leases[lease.token] = lease
            self._quicken(lease.interval)

    def remove(self, lease: Lease) -> None:
        with self._changed:
            self._leases.pop(lease.token, None)

    def held(self) -> List[Lease]:
        """The leases of the steps that run now."""
        with self._changed:
            return list(self._leases.values())

    def save(self, lease: Lease, checkpoint: Dict[str, Any]) -> bool:
        """Makes a checkpoint durable, which renews the lease too; called by handlers. False when the lease is gone."""
        try:
            text = encode(checkpoint)
        except EncodingError as error:
            raise ValidationError(f"the checkpoint is not JSON: {error}") from None
        item = f'{{"step_uuid":{json.dumps(lease.step_uuid)},"lease_token":{json.dumps(lease.token)},"checkpoint":{text}}}'
        body = f'{{"worker_id":{json.dumps(self._worker_id)},"leases":[{item}]}}'.encode("utf-8")
        end = time.monotonic() + _CHECKPOINT_PATIENCE
        while True:
            sent = time.monotonic()
            try:
                with self._saving:
                    response = self._checkpoints.request("POST", "/v1/workers/heartbeat", body, timeout=_CHECKPOINT_PATIENCE)
                if response.status == 200:
                    answer = response.json()["leases"][0]
                    self._apply([lease], {lease.step_uuid: answer}, sent)
                    if answer["status"] == "invalid":
                        raise ValidationError(f"the node refuses the checkpoint: {answer.get('message')}")
                    return bool(answer["status"] == "extended")
                problem = f"status {response.status}"
            except (TransportError, KeyError, IndexError, TypeError) as error:
                problem = str(error)
            if lease.context.wait(_CHECKPOINT_PAUSE) or time.monotonic() > end:
                raise CheckpointError(f"the checkpoint was not kept: {problem}")

    def _quicken(self, interval: float) -> None:
        tick = max(interval / 2, _SHORTEST_TICK)
        if tick < self._tick:
            self._tick = tick
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                begin = time.monotonic()
                # The tick is read again after each wake-up: a shorter lease may have come.
                while not self._closing and begin + self._tick > time.monotonic():
                    self._changed.wait(begin + self._tick - time.monotonic())
                if self._closing:
                    break
                now = time.monotonic()
                due = [lease for lease in self._leases.values() if now - lease.renewed >= lease.interval / 2]
            if due:
                self._renew(due)
        self._connection.close()
        with self._saving:
            self._checkpoints.close()

    def _renew(self, leases: List[Lease]) -> None:
        items = [{"step_uuid": lease.step_uuid, "lease_token": lease.token} for lease in leases]
        body = json.dumps({"worker_id": self._worker_id, "leases": items}).encode("utf-8")
        sent = time.monotonic()
        timeout = max(min(lease.interval for lease in leases), 0.2)
        try:
            response = self._connection.request("POST", "/v1/workers/heartbeat", body, timeout=timeout)
            if response.status != 200:
                log.warning("heartbeat refused with status %d, trying again", response.status)
                return
            answers = response.json()["leases"]
            self._apply(leases, {item["step_uuid"]: item for item in answers}, sent)
        except (TransportError, KeyError, TypeError) as error:
            log.warning("heartbeat failed, trying again: %s", error)

    def _apply(self, leases: List[Lease], answers: Mapping[str, Mapping[str, Any]], sent: float) -> None:
        for lease in leases:
            status = answers.get(lease.step_uuid, {}).get("status")
            if status == "extended":
                lease.renewed = sent
            elif status in ("lost", "cancelled"):
                with self._changed:
                    held = self._leases.pop(lease.token, None) is not None
                if held:  # else it ended meanwhile, and its own result settled the lease
                    log.warning("step %s: lease %s while it runs", lease.step_uuid, status)
                    lease.context.mark_lost(cancelled=status == "cancelled")
