#!/usr/bin/env python3
"""A worker that polls whatever node answers, tells its results to any other, repeats some, holds some back until their lease is
over and loses some. What it ran and what it was told goes to its ledger first.

    fault_worker.py --urls URL,URL --ledger FILE --name w1 --seed 1 --lease-ms 2500
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time
import traceback
from typing import Any, Dict, List, Optional, Tuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "sdk" / "python"))

from geartrain.transport import Connection, TransportError  # noqa: E402

from ledger import Ledger, hash_of, nonce_of  # noqa: E402
from workflows import NAMESPACE, milliseconds_of, run_handler  # noqa: E402

POLL_WAIT_MS = 1000
ANSWER_SECONDS = 6.0  # a frozen node must not keep a worker for long
PAUSE_SECONDS = 0.1
LAST_WORDS_SECONDS = 20.0


class Report:
    """A result under way: as it is sent, and what the ledger needs of it."""

    def __init__(self, item: Dict[str, Any], facts: Dict[str, Any]) -> None:
        self.item = item
        self.facts = facts


class Slot(threading.Thread):
    """Polls, runs and reports, one step after the other."""

    def __init__(self, number: int, options: argparse.Namespace, ledger: Ledger, stopping: threading.Event) -> None:
        super().__init__(name=f"{options.name}-{number}")
        self._options = options
        self._ledger = ledger
        self._stopping = stopping
        self._chance = random.Random(f"{options.seed}/{options.name}/{number}")
        self._connections = {url: Connection(url) for url in options.urls.split(",")}
        self._pending: List[Report] = []
        self._later: List[Tuple[float, Report]] = []
        self._executions = 0

    def run(self) -> None:
        while not self._stopping.is_set():
            self._release_late()
            if self._pending and self._chance.random() < 0.5:
                self._deliver(self._pending)
            else:
                self._poll()
        self._release_late(everything=True)
        deadline = time.monotonic() + LAST_WORDS_SECONDS
        while self._pending and time.monotonic() < deadline:
            self._deliver(self._pending)

    # -- exchanges -------------------------------------------------------------------------

    def _call(self, path: str, body: Dict[str, Any], url: Optional[str] = None) -> Tuple[str, Optional[Dict[str, Any]]]:
        url = url or self._chance.choice(list(self._connections))
        try:
            answer = self._connections[url].request("POST", path, json.dumps(body).encode(), timeout=ANSWER_SECONDS)
            if answer.status == 200:
                return url, answer.json()
            wait = answer.retry_after() or PAUSE_SECONDS
        except TransportError:
            wait = PAUSE_SECONDS
        self._stopping.wait(min(wait, 0.5))
        return url, None

    def _poll(self) -> None:
        sent = list(self._pending)
        body = {"worker_id": self.name, "namespaces": [NAMESPACE], "max_steps": self._chance.choice((1, 1, 2, 4)),
                "wait_ms": POLL_WAIT_MS, "results": [report.item for report in sent]}
        url, answer = self._call("/v1/workers/poll", body)
        if answer is None:
            return
        self._settle(sent, answer.get("results") or [], url)
        steps = [(step, self._name_execution()) for step in answer["steps"]]
        if steps:
            self._ledger.write(*(self._begin(step, execution, url) for step, execution in steps))
        for step, execution in steps:
            self._execute(step, execution)

    def _deliver(self, reports: List[Report], url: Optional[str] = None) -> None:
        sent = list(reports)
        url, answer = self._call("/v1/workers/results", {"worker_id": self.name, "results": [one.item for one in sent]}, url)
        if answer is not None:
            self._settle(sent, answer["results"], url)

    def _settle(self, sent: List[Report], outcomes: List[Dict[str, Any]], url: str) -> None:
        if not sent:
            return
        self._ledger.write(*({"what": "ack", **report.facts, "status": outcome["status"], "url": url}
                             for report, outcome in zip(sent, outcomes)))
        self._pending = [report for report in self._pending if report not in sent]
        for report in sent:
            if self._chance.random() < self._options.duplicate:
                self._note("duplicated_results")
                self._pending.append(report)

    # -- executions ------------------------------------------------------------------------

    def _name_execution(self) -> str:
        self._executions += 1
        return f"{self.name}-{self._executions}"

    def _begin(self, step: Dict[str, Any], execution: str, url: str) -> Dict[str, Any]:
        seen = {name: (given.get("result") or {}).get("execution") for name, given in step["dependency_results"].items()}
        return {"what": "begin", **_facts(step, execution), "template": step["template_name"], "saw": seen,
                "checkpoint": step["checkpoint"], "url": url}

    def _execute(self, step: Dict[str, Any], execution: str) -> None:
        self._take_time(step)
        outcome = run_handler(step, execution)
        facts = _facts(step, execution)
        self._ledger.write({"what": "end", **facts, "sent": outcome})
        report = Report({"step_uuid": step["step_uuid"], "lease_token": step["lease_token"], **outcome}, facts)
        draw = self._chance.random()
        lease = self._options.lease_ms / 1000
        if draw < self._options.lose:
            self._note("lost_results")
        elif draw < self._options.lose + self._options.delay:
            self._note("delayed_results")
            self._later.append((time.monotonic() + lease * self._chance.uniform(0.5, 2.0), report))
        elif draw < self._options.lose + self._options.delay + self._options.race:
            self._race(report)
        else:
            self._pending.append(report)

    def _take_time(self, step: Dict[str, Any]) -> None:
        """As long as the task says, with heartbeats if that is longer than the lease."""
        lease = self._options.lease_ms / 1000
        end = time.monotonic() + milliseconds_of(step) / 1000
        while (left := end - time.monotonic()) > 0:
            threading.Event().wait(min(left, lease / 3))
            if left > lease / 3:
                lease_of_it = {"step_uuid": step["step_uuid"], "lease_token": step["lease_token"]}
                self._call("/v1/workers/heartbeat", {"worker_id": self.name, "leases": [lease_of_it]})

    def _race(self, report: Report) -> None:
        """The same result to several nodes at the same moment."""
        self._note("raced_results")
        urls = list(self._connections)
        rivals = [_Rival(self._options, self._ledger, self.name, url, report) for url in urls]
        for rival in rivals:
            rival.start()
        for rival in rivals:
            rival.join()
        if not any(rival.answered for rival in rivals):
            self._pending.append(report)

    def _release_late(self, everything: bool = False) -> None:
        now = time.monotonic()
        self._pending += [report for due, report in self._later if everything or due <= now]
        self._later = [] if everything else [(due, report) for due, report in self._later if due > now]

    def _note(self, kind: str) -> None:
        self._ledger.write({"what": "fault", "kind": kind})


class _Rival(threading.Thread):
    def __init__(self, options: argparse.Namespace, ledger: Ledger, worker: str, url: str, report: Report) -> None:
        super().__init__()
        self._ledger, self._worker, self._url, self._report = ledger, worker, url, report
        self.answered = False

    def run(self) -> None:
        connection = Connection(self._url)
        body = {"worker_id": self._worker, "results": [self._report.item]}
        try:
            answer = connection.request("POST", "/v1/workers/results", json.dumps(body).encode(), timeout=ANSWER_SECONDS)
            if answer.status == 200:
                status = answer.json()["results"][0]["status"]
                self._ledger.write({"what": "ack", **self._report.facts, "status": status, "url": self._url})
                self.answered = True
        except TransportError:
            pass
        finally:
            connection.close()


def _facts(step: Dict[str, Any], execution: str) -> Dict[str, Any]:
    token = step["lease_token"]
    return {"execution": execution, "task": step["task_uuid"], "step": step["step_uuid"], "name": step["name"],
            "attempt": step["attempt"], "token": hash_of(token), "nonce": nonce_of(token)}


def _die(what: threading.ExceptHookArgs) -> None:
    """A worker that lost a slot would only be slow; the run has to know that it does not work."""
    traceback.print_exception(what.exc_type, what.exc_value, what.exc_traceback)
    os._exit(70)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--urls", required=True, help="the nodes, separated by commas")
    parser.add_argument("--ledger", required=True, type=pathlib.Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--lease-ms", type=int, required=True)
    for what, share in (("duplicate", 0.08), ("delay", 0.02), ("lose", 0.01), ("race", 0.03)):
        parser.add_argument(f"--{what}", type=float, default=share, help="share of the results")
    options = parser.parse_args()
    stopping = threading.Event()
    threading.excepthook = _die
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver says when
    ledger = Ledger(options.ledger)
    slots = [Slot(number, options, ledger, stopping) for number in range(options.slots)]
    for slot in slots:
        slot.start()
    for slot in slots:
        slot.join()
    ledger.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
