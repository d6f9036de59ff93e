"""A worker whose handlers are data: for each step and each of its attempts, what to do.

Behaviours of a step are a list by attempt; the last one serves all later attempts. A batch worker is looked up by its own name
first, then by its template step, then under "*"; a step without any succeeds with {}. An item of the list may itself be a list:
the runs of one attempt, one after the other (a yielded step comes back with the same attempt).

    {"succeed": result}                  {"fail": "message" or {error object}}         {"yield": {checkpoint}}
    {"decide": ["a", "b"]}               {"decide": "no_branches"}
    {"batches": [[0, 10], [10, 20]], "worker": "chunk"}                                {"batches": "no_batches"}
    {"hold": true}      keeps the step, its lease renewed, until the script says `finish`
    {"abandon": true}   keeps silent: the lease expires
    {"choose": expression, "cases": {"true": behaviour, "a name": behaviour}}

Beside an ending: "metadata", "headers", "backoff_hint", "twice" (sends the same item again), "checkpoint" (stored by a heartbeat
before the ending).
"""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Dict, List, Mapping, Optional

from expressions import evaluate
from geartrain.transport import TransportError
from http_calls import Http

_LONGEST_POLL_MS = 1000
# A result is sent until a node has answered it, as real workers do.
_PATIENCE_SECONDS = 20.0
_PAUSE_SECONDS = 0.1


class Unavailable(Exception):
    """The node says 503: later."""


def exchange(http: Http, path: str, body: Mapping[str, Any]) -> Any:
    """The body of a worker's call that was answered."""
    answer = http.call("POST", path, body)
    if answer.status == 503:
        raise Unavailable(f"{path}: {answer.body}")
    if answer.status != 200:
        raise ValueError(f"{path}: {answer.status} {answer.body}")
    return answer.body


class Run:
    """One dispatch of one step to this worker, and all that was answered about it."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self.payload = dict(payload)
        self.received = time.monotonic()
        self.received_at = time.time()
        self.reports: List[Dict[str, Any]] = []
        self.heartbeats: List[str] = []
        self.sent: Optional[float] = None
        self.answered: Optional[float] = None
        self.renewed = self.received
        self.renewing = False

    @property
    def name(self) -> str:
        return self.payload["name"]

    @property
    def attempt(self) -> int:
        return self.payload["attempt"]

    def lease(self) -> Dict[str, Any]:
        return {"step_uuid": self.payload["step_uuid"], "lease_token": self.payload["lease_token"]}

    def view(self) -> Dict[str, Any]:
        """What a scenario may state about the run."""
        return {**self.payload, "reports": [report["status"] for report in self.reports], "heartbeats": self.heartbeats}


def ending(behaviour: Mapping[str, Any], run: Run) -> Dict[str, Any]:
    """The item to report for a behaviour that ends the run."""
    step = run.payload
    item: Dict[str, Any] = run.lease()
    if "raw" in behaviour:
        return {**item, **evaluate(behaviour["raw"], step)}
    if "yield" in behaviour:
        return {**item, "checkpoint_yield": evaluate(behaviour["yield"], step)}
    if "fail" in behaviour:
        error = evaluate(behaviour["fail"], step)
        item.update(success=False, error={"message": error} if isinstance(error, str) else error)
    else:
        item.update(success=True, result=_result(behaviour, step))
    if "metadata" in behaviour:
        item["metadata"] = evaluate(behaviour["metadata"], step)
    extra = {key: evaluate(behaviour[key], step) for key in ("headers", "backoff_hint") if key in behaviour}
    if extra:
        item["orchestration_metadata"] = extra
    return item


def _result(behaviour: Mapping[str, Any], step: Mapping[str, Any]) -> Any:
    if "decide" in behaviour:
        names = evaluate(behaviour["decide"], step)
        outcome = {"type": "no_branches"} if names == "no_branches" else {"type": "create_steps", "step_names": names}
        return {"decision_point_outcome": outcome}
    if "batches" in behaviour:
        return {"batch_processing_outcome": _batches(evaluate(behaviour["batches"], step), behaviour.get("worker"))}
    return evaluate(behaviour.get("succeed", {}), step)


def _batches(ranges: Any, worker: Optional[str]) -> Dict[str, Any]:
    if ranges == "no_batches":
        return {"type": "no_batches"}
    cursors = [{"batch_id": f"{number:03}", "start_cursor": start, "end_cursor": end, "batch_size": end - start}
               for number, (start, end) in enumerate(ranges, 1)]
    return {"type": "create_batches", "worker_template_name": worker, "worker_count": len(cursors),
            "cursor_configs": cursors, "total_items": sum(end - start for start, end in ranges)}


class ScriptedWorker:
    """Polls one namespace until it is stopped. The script looks at `runs` and finishes what is held."""

    def __init__(self, url: Callable[[], str], namespace: str, behaviours: Mapping[str, Any], *,
                 settings: Optional[Mapping[str, Any]] = None, shares: Optional["ScriptedWorker"] = None) -> None:
        """`shares`: another worker of the scenario, on another node, in whose list the runs are kept too."""
        self._url = url
        self._namespace = namespace
        self._behaviours = behaviours
        self._settings = dict(settings or {})
        self.worker_id = self._settings.get("worker_id", f"w-{namespace}"[:128])
        self.changed = shares.changed if shares else threading.Condition()
        self.runs: List[Run] = shares.runs if shares else []
        self.problem: Optional[str] = None
        self._stopping = threading.Event()
        self._http: Optional[Http] = None
        self._thread: Optional[threading.Thread] = None

    # -- life ----------------------------------------------------------------------

    def start(self) -> None:
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._serve, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._http is not None:
            self._http.hang_up()
        if self._thread is not None:
            self._thread.join(30)
            self._thread = None

    def _serve(self) -> None:
        while not self._stopping.is_set():
            self._http = Http(self._url())
            try:
                while not self._stopping.is_set():
                    self._renew(self._http)
                    self.poll(self._http, self._wait_ms())
            except (TransportError, Unavailable):
                self._stopping.wait(_PAUSE_SECONDS)  # the node is being restarted, or this worker stopped
            except Exception as error:  # a mistake in the script; the scenario shows it
                self.problem = f"{type(error).__name__}: {error}"
                return
            finally:
                self._http.close()

    # -- what a worker does ----------------------------------------------------------

    def poll(self, http: Http, wait_ms: int = 0, **fields: Any) -> List[Run]:
        """Takes steps and does at once what is to be done at once."""
        body = {"worker_id": self.worker_id, "namespaces": [self._namespace], "wait_ms": wait_ms,
                "max_steps": self._settings.get("max_steps", 100)}
        for key in ("handlers", "namespaces"):
            if key in self._settings:
                body[key] = self._settings[key]
        runs = [Run(step) for step in exchange(http, "/v1/workers/poll", {**body, **fields})["steps"]]
        with self.changed:
            self.runs += runs
            self.changed.notify_all()
        self._act(http, runs)
        return runs

    def _act(self, http: Http, runs: List[Run]) -> None:
        items, ended = [], []
        for run in runs:
            behaviour = self._behaviour(run)
            if "checkpoint" in behaviour:
                self.heartbeat(http, run, evaluate(behaviour["checkpoint"], run.payload))
            if behaviour.get("hold"):
                run.renewing = True
            elif not behaviour.get("abandon"):
                for _ in range(2 if behaviour.get("twice") else 1):
                    items.append(ending(behaviour, run))
                    ended.append(run)
        if items:
            self._send(http, ended, items)

    def _behaviour(self, run: Run) -> Mapping[str, Any]:
        known = self._behaviours
        listed = next((known[key] for key in (run.name, run.payload["template_step_name"], "*") if key in known), {})
        if isinstance(listed, list):
            listed = listed[min(run.attempt, len(listed)) - 1]
        if isinstance(listed, list):
            before = sum(1 for other in self.runs if other is not run and other.attempt == run.attempt
                         and other.payload["step_uuid"] == run.payload["step_uuid"])
            listed = listed[min(before, len(listed) - 1)]
        if "choose" in listed:
            value = evaluate(listed["choose"], run.payload)
            key = str(value).lower() if isinstance(value, bool) else str(value)
            listed = listed["cases"].get(key, listed["cases"].get("*", {}))
        return listed

    def report(self, http: Http, run: Run, behaviour: Mapping[str, Any]) -> Dict[str, Any]:
        """Ends a run as the script says; the answer for its item."""
        return self._send(http, [run], [ending(behaviour, run)])[0]

    def _send(self, http: Http, runs: List[Run], items: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
        sent = time.monotonic()
        while True:
            try:
                outcomes = exchange(http, "/v1/workers/results", {"worker_id": self.worker_id, "results": items})["results"]
                break
            except (TransportError, Unavailable):
                if self._stopping.wait(_PAUSE_SECONDS) or time.monotonic() - sent > _PATIENCE_SECONDS:
                    raise
        with self.changed:
            for run, outcome in zip(runs, outcomes):
                run.sent, run.answered, run.renewing = sent, time.monotonic(), False
                run.reports.append(outcome)
            self.changed.notify_all()
        return outcomes

    def heartbeat(self, http: Http, run: Run, checkpoint: Any = None) -> Dict[str, Any]:
        """Renews one lease; the answer for it."""
        lease = run.lease() if checkpoint is None else {**run.lease(), "checkpoint": checkpoint}
        outcome = exchange(http, "/v1/workers/heartbeat", {"worker_id": self.worker_id, "leases": [lease]})["leases"][0]
        with self.changed:
            run.renewed = time.monotonic()
            run.heartbeats.append(outcome["status"])
            run.renewing = run.renewing and outcome["status"] == "extended"
            self.changed.notify_all()
        return outcome

    # -- leases of what is held --------------------------------------------------------

    def _interval(self) -> float:
        return float(self._settings.get("heartbeat_ms", 5000)) / 1000

    def _held(self) -> List[Run]:
        with self.changed:
            return [run for run in self.runs if run.renewing]

    def _wait_ms(self) -> int:
        held = self._held()
        if not held:
            return _LONGEST_POLL_MS
        due = min(run.renewed for run in held) + self._interval() - time.monotonic()
        return int(max(0.0, min(due * 1000, _LONGEST_POLL_MS)))

    def _renew(self, http: Http) -> None:
        for run in self._held():
            if time.monotonic() - run.renewed >= self._interval():
                self.heartbeat(http, run)

    # -- for the script ------------------------------------------------------------------

    def runs_of(self, step: str) -> List[Run]:
        with self.changed:
            return [run for run in self.runs if run.name == step]
