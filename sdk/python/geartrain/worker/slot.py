"""One thread of a worker: takes a step, runs it, and hands the result over together with the next request."""

from __future__ import annotations

import collections
import json
import logging
import random
import threading
import time
from typing import Any, Counter, Dict, List, Mapping, NamedTuple, Optional

from ..client import api_error
from ..handlers import Registry
from ..transport import Connection, Response, TransportError
from .execution import Report, execute, results_body, results_member
from .heartbeat import Heartbeats

log = logging.getLogger("geartrain.worker")

# Answered by a node that stands in for the reader of a request, not for a proxy before it: the request itself is wrong.
_REFUSED = (400, 413)

_SHORTEST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_LONGEST_ASKED_PAUSE = 30.0
_ANSWER_TIMEOUT = 30.0
_POLL_SLACK = 15.0


class Settings(NamedTuple):
    """What the slots of a worker share."""

    url: str
    worker_id: str
    namespaces: List[str]
    poll_wait_ms: int
    headers: Mapping[str, str]


class Slot:
    """Runs one step at a time on its own connection.

    A result is kept and sent again until a node has answered it: it rides on the next poll while the worker runs, and
    goes alone once it stops. A busy slot therefore makes one exchange a step.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        heartbeats: Heartbeats,
        stopping: threading.Event,
        given_up: threading.Event,
    ) -> None:
        self._worker_id = settings.worker_id
        self._registry = registry
        self._heartbeats = heartbeats
        self._stopping = stopping
        self._given_up = given_up
        self._connection = Connection(settings.url, settings.headers)
        self._poll_timeout = settings.poll_wait_ms / 1000 + _POLL_SLACK
        self._poll_head = _poll_head(settings, registry)
        self._reports: List[Report] = []
        self._polling = False
        self._failures = 0
        self.counts: Counter[str] = collections.Counter()

    @property
    def polling(self) -> bool:
        """True while it waits for the answer to a poll."""
        return self._polling

    @property
    def undelivered(self) -> List[str]:
        """The steps whose results no node has answered yet."""
        return [report.step_uuid for report in self._reports]

    def interrupt(self, *, hard: bool) -> None:
        """From another thread: ends a poll that waits. Softly, a step that is on its way still arrives."""
        if self._polling:
            if hard:
                self._connection.hang_up()
            else:
                self._connection.abandon()

    def run(self) -> None:
        """Until the worker stops and every result is delivered, or until the worker gives up waiting."""
        try:
            while not self._given_up.is_set() and (self._reports or not self._stopping.is_set()):
                try:
                    self._turn()
                except Exception:
                    log.exception("worker %s: unexpected, going on", self._worker_id)
                    self._pause()
        finally:
            self._connection.close()

    def _turn(self) -> None:
        begin = time.monotonic()
        try:
            response = self._deliver() if self._stopping.is_set() else self._poll()
            if response.status != 200:
                self._refused(response)
                return
            answer = response.json()
            steps, outcomes = answer.get("steps") or [], answer.get("results") or []
        except (TransportError, AttributeError) as error:
            self._log_failure(f"no usable answer: {error}")
            self._pause()
            return
        self._failures = 0
        self._settle(outcomes)
        for step in steps:
            self._reports.append(execute(step, self._registry, self._heartbeats))
            self.counts["run"] += 1
        # An answer without a word on a result, or an empty one at once where it could have waited: not in a tight loop.
        hasty = time.monotonic() - begin < _SHORTEST_PAUSE and not self._stopping.is_set()
        if not steps and (self._reports or hasty):
            self._pause()

    # -- exchanges -------------------------------------------------------------

    def _poll(self) -> Response:
        body = self._poll_head
        if self._reports:
            body += "," + results_member(self._reports)
        self._polling = True
        try:
            return self._connection.request(
                "POST", "/v1/workers/poll", (body + "}").encode("utf-8"), timeout=self._poll_timeout
            )
        finally:
            self._polling = False
            if self._stopping.is_set():
                self._connection.close()  # it may be half closed by now

    def _deliver(self) -> Response:
        body = results_body(self._worker_id, self._reports)
        return self._connection.request("POST", "/v1/workers/results", body, timeout=_ANSWER_TIMEOUT)

    # -- answers ---------------------------------------------------------------

    def _settle(self, outcomes: List[Dict[str, Any]]) -> None:
        """Drops the results that the node has answered."""
        answers = {outcome.get("step_uuid"): outcome for outcome in outcomes}
        kept: List[Report] = []
        for report in self._reports:
            outcome = answers.get(report.step_uuid)
            if outcome is None:
                kept.append(report)
                continue
            status = str(outcome.get("status"))
            self.counts[status] += 1
            if status == "stale":
                log.warning("step %s: result not applied, the lease was gone", report.step_uuid)
            elif status == "invalid":
                kept.extend(self._replacement(report, str(outcome.get("message"))))
        self._reports = kept

    def _replacement(self, report: Report, reason: str) -> List[Report]:
        if report.is_substitute:
            log.error("step %s: result dropped, the node refuses it: %s", report.step_uuid, reason)
            return []
        log.error("step %s: the node refuses the result, reporting a failure: %s", report.step_uuid, reason)
        return [report.substitute(reason)]

    def _refused(self, response: Response) -> None:
        error = api_error(response)
        if response.status in _REFUSED and self._reports:
            self._reports = [kept for report in self._reports for kept in self._replacement(report, str(error))]
            return
        self._log_failure(str(error))
        self._pause(error.retry_after)

    def _log_failure(self, text: str) -> None:
        if self._stopping.is_set() and (self._failures == 0 or not self._reports):
            return  # the end of a poll that stopping cut off
        level = logging.WARNING if self._failures in (0, 5) else logging.DEBUG
        log.log(level, "worker %s: %s, trying again", self._worker_id, text)

    def _pause(self, asked: Optional[float] = None) -> None:
        """Waits before the next try: as long as the node asks, else twice as long each time, never past the end of the
        worker. With results in hand it does not wait longer than a lease may have left."""
        longest = _LONGEST_PAUSE if self._reports else _LONGEST_ASKED_PAUSE
        pause = min(_SHORTEST_PAUSE * 2 ** min(self._failures, 10), _LONGEST_PAUSE) * random.uniform(0.75, 1.0)
        if asked is not None:
            pause = min(asked, longest)
        self._failures += 1
        (self._given_up if self._stopping.is_set() else self._stopping).wait(pause)


def _poll_head(settings: Settings, registry: Registry) -> str:
    """The body of a poll, without its end: all but the results is always the same."""
    body = {
        "worker_id": settings.worker_id,
        "namespaces": settings.namespaces,
        "handlers": registry.names(),
        "max_steps": 1,
        "wait_ms": settings.poll_wait_ms,
    }
    return json.dumps(body, ensure_ascii=False)[:-1]
