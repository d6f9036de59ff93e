"""What a scenario's script may say: one operation per entry, each a map whose first known key names it."""

from __future__ import annotations

import datetime
import json
import os
import re
import threading
import time
import uuid
from typing import Any, Callable, Dict, List, Mapping, Optional

from geartrain.transport import TransportError
from harness import FINAL, Node
from http_calls import Answer, Http
from matching import mismatch
from scripted_worker import Run, ScriptedWorker, Unavailable

AWAIT_SECONDS = float(os.environ.get("GEARTRAIN_CONFORMANCE_AWAIT_SECONDS", "60"))
# A busy machine may be late by this much; it widens upper bounds only.
SLACK_MS = float(os.environ.get("GEARTRAIN_CONFORMANCE_SLACK_MS", "1500"))
# What a node asks its database by itself, whatever its users do.
BACKGROUND = {"fetch_templates", "sync_claims", "open_tasks", "overdue_tasks", "read_inbox", "read_pauses", "ping",
              "purge", "remove_expired", "drop_expired"}

_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*(?:[.:][\w.+-]+)*)\}")
_MANUAL = {  # act -> action_type and the field for who did it
    "reset": ("reset_for_retry", "reset_by"),
    "resolve": ("resolve_manually", "resolved_by"),
    "complete": ("complete_manually", "completed_by"),
}


class Mismatch(AssertionError):
    """Something is not as the scenario says."""


class Performance:
    """One scenario on one node."""

    def __init__(self, scenario: Mapping[str, Any], nodes: List[Node], namespace: str) -> None:
        self.scenario = scenario
        self.nodes = nodes
        self.node = node = nodes[0]
        self.vars: Dict[str, Any] = {"ns": namespace, "unique": uuid.uuid4().hex[:12]}
        self.namespace = namespace
        self.connections = [Http(one.url) for one in nodes]
        self.http = self.connections[0]
        # One worker for each node; the script looks at what all of them did.
        settings = self.fill(scenario.get("worker_settings", {}))
        self.worker = ScriptedWorker(lambda: node.url, namespace, scenario.get("handlers", {}), settings=settings)
        self.others = [ScriptedWorker(lambda url=other.url: url, namespace, scenario.get("handlers", {}), settings=settings,
                                      shares=self.worker) for other in nodes[1:]]
        self.where = "set-up"
        self._baseline: Dict[str, int] = {}

    # -- the whole -------------------------------------------------------------------

    def run(self) -> None:
        try:
            for document in self.scenario.get("templates", []):
                self.do_register({"register": document})
            if self.scenario.get("worker", True):
                for worker in (self.worker, *self.others):
                    worker.start()
            self.perform(self.scenario["script"])
            if self.worker.problem:
                raise Mismatch(f"the scripted worker: {self.worker.problem}")
        except Mismatch as problem:
            raise Mismatch(f"{self.where}: {problem}") from None
        except (TransportError, Unavailable) as problem:
            raise Mismatch(f"{self.where}: no answer: {problem}") from None
        finally:
            for worker in (self.worker, *self.others):
                worker.stop()
            for connection in self.connections:
                connection.close()

    def perform(self, script: List[Mapping[str, Any]], prefix: str = "") -> None:
        for number, entry in enumerate(script, 1):
            name = operation_of(entry)
            self.where = f"{prefix}{number} {name} {_short(entry[name])}"
            if self.worker.problem:
                raise Mismatch(f"the scripted worker: {self.worker.problem}")
            self.http = self.connections[entry.get("on", 1) - 1]
            getattr(self, f"do_{name}")(entry)

    # -- values ------------------------------------------------------------------------

    def fill(self, value: Any) -> Any:
        """Replaces `{name}` and `{name.path}` by what was saved; `{in:1500}` is the time so many milliseconds from now,
        `{step:main.charge}` a step's id. A string that is only a place takes the value with its type."""
        if isinstance(value, dict):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if not isinstance(value, str):
            return value
        whole = _PLACE.fullmatch(value)
        if whole:
            return self._look_up(whole.group(1), value)
        return _PLACE.sub(lambda found: str(self._look_up(found.group(1), found.group(0))), value)

    def _look_up(self, place: str, otherwise: Any) -> Any:
        if place.startswith("in:"):
            moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(milliseconds=float(place[3:]))
            return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if place.startswith("http_date_in:"):
            moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(milliseconds=float(place[13:]))
            return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
        if place.startswith("step:"):
            task, _, step = place[5:].partition(".")
            return self.step_uuid(task, step)
        head, *rest = place.split(".")
        if head not in self.vars:
            return otherwise
        value = self.vars[head]
        for part in rest:
            value = value[int(part)] if isinstance(value, list) else value.get(part)
        return value

    def task_uuid(self, name: str) -> str:
        known = self.vars.get(name)
        if not isinstance(known, dict):
            raise Mismatch(f"no task {name!r} was created")
        return known["task_uuid"]

    def step_uuid(self, task: str, step: str) -> str:
        answer = self.http.call("GET", f"/v1/tasks/{self.task_uuid(task)}/workflow_steps")
        found = [row["step_uuid"] for row in answer.body if row["name"] == step] if answer.status == 200 else []
        if not found:
            raise Mismatch(f"task {task} has no step {step}: {answer.status} {_short(answer.body)}")
        return found[0]

    # -- checking ------------------------------------------------------------------------

    def check(self, entry: Mapping[str, Any], answer: Answer, status: int) -> None:
        problem = self._problem(entry, answer, status)
        if problem:
            raise Mismatch(problem)

    def _problem(self, entry: Mapping[str, Any], answer: Answer, status: int) -> Optional[str]:
        wanted = entry.get("status", status)
        if answer.status not in (wanted if isinstance(wanted, list) else [wanted]):
            return f"HTTP {answer.status}, wanted {wanted}: {_short(answer.body)}"
        if "code" in entry:
            code = answer.body.get("error", {}).get("code") if isinstance(answer.body, dict) else None
            if code != entry["code"]:
                return f"code {code}, wanted {entry['code']}: {_short(answer.body)}"
        problem = mismatch(self.fill(entry["answer"]), answer.body) if "answer" in entry else None
        if not problem and "answer_headers" in entry:
            problem = mismatch(self.fill(entry["answer_headers"]), answer.headers, "headers")
        return problem

    def until(self, entry: Mapping[str, Any], probe: Callable[[], Optional[str]],
              hopeless: Callable[[], Optional[str]] = lambda: None) -> None:
        """Repeats `probe` until it has no objection. The worker's runs wake it early."""
        end = time.monotonic() + float(entry.get("within_s", AWAIT_SECONDS))
        pause = 0.02
        while True:
            problem = probe()
            if not problem:
                return
            lost = hopeless() or self.worker.problem
            if lost and not probe():
                return  # it came true between the two looks
            if lost or time.monotonic() > end:
                raise Mismatch(f"{'in vain' if lost else 'not in time'}: {problem}{f' ({lost})' if lost else ''}")
            with self.worker.changed:
                self.worker.changed.wait(pause)
            pause = min(pause * 1.5, 0.25)

    # -- templates and tasks ---------------------------------------------------------------

    def document(self, given: Mapping[str, Any]) -> Dict[str, Any]:
        """A template with what every template needs."""
        filled = {"name": "flow", "namespace_name": self.namespace, "version": "1.0.0", **self.fill(given)}
        for step in filled.get("steps", []):
            if isinstance(step, dict):
                step.setdefault("handler", {"callable": "conformance.step"})
        return filled

    def do_register(self, entry: Mapping[str, Any]) -> None:
        if "text" in entry:
            answer = self.http.call("POST", "/v1/templates", text=self.fill(entry["text"]), content_type="application/yaml")
        else:
            answer = self.http.call("POST", "/v1/templates", self.document(entry["register"]))
        self.check(entry, answer, 201)
        self.vars[entry.get("as", "template")] = answer.body

    def creation(self, given: Mapping[str, Any]) -> Dict[str, Any]:
        templates = self.scenario.get("templates") or [{}]
        return {"namespace": self.namespace, "name": templates[0].get("name", "flow"), **self.fill(given)}

    def do_create(self, entry: Mapping[str, Any]) -> None:
        answer = self.http.call("POST", "/v1/tasks", self.creation(entry["create"]))
        self.check(entry, answer, 201)
        if answer.status == 201:
            self.vars[entry.get("as", "main")] = answer.body

    def do_bulk(self, entry: Mapping[str, Any]) -> None:
        """Many creations in one call, the list so many `times`; their results are saved."""
        tasks = [self.creation(given) if isinstance(given, dict) else given for given in entry["bulk"]]
        answer = self.http.call("POST", "/v1/tasks/bulk", {"tasks": tasks * entry.get("times", 1)})
        self.check(entry, answer, 200)
        if answer.status == 200:
            self.vars[entry.get("as", "bulk")] = answer.body["results"]

    def do_wait(self, entry: Mapping[str, Any]) -> None:
        """A read that waits for the end of the task, at most so many `ms`, while the script in `do` goes on."""
        target = f"/v1/tasks/{self.task_uuid(self.fill(entry['wait']))}?wait_ms={entry.get('ms', 60000)}"
        answers: List[Answer] = []
        http = Http(self.http.url)
        self.connections.append(http)
        waiting = threading.Thread(target=lambda: answers.append(http.call("GET", target, timeout=90.0)))
        waiting.start()
        try:
            self.perform(entry.get("do", []))
        finally:
            waiting.join()
        if not answers:
            raise Mismatch(f"GET {target}: no answer")
        self.check(entry, answers[0], 200)

    def do_race(self, entry: Mapping[str, Any]) -> None:
        """Equal creations at the same time; `statuses` counts the answers."""
        body, answers = self.creation(entry["race"]), []
        barrier = threading.Barrier(entry["times"])

        def one() -> None:
            http = Http(self.node.url)
            barrier.wait()
            answers.append(http.call("POST", "/v1/tasks", body))
            http.close()

        threads = [threading.Thread(target=one) for _ in range(entry["times"])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counts: Dict[str, int] = {}
        for answer in answers:
            counts[str(answer.status)] = counts.get(str(answer.status), 0) + 1
            if answer.status == 201:
                self.vars[entry.get("as", "main")] = answer.body
        if counts != entry["statuses"]:
            raise Mismatch(f"answers {counts}, wanted {entry['statuses']}")

    def view(self, task: str, with_steps: bool) -> Dict[str, Any]:
        """The task as it is read back; its steps by name."""
        path = f"/v1/tasks/{self.task_uuid(task)}"
        answer = self.http.call("GET", path)
        if answer.status != 200:
            raise Mismatch(f"GET {path}: {answer.status} {_short(answer.body)}")
        body = dict(answer.body)
        rows = {row["name"]: dict(row) for row in body.get("steps", [])}
        if with_steps:
            listed = self.http.call("GET", f"{path}/workflow_steps")
            for row in listed.body if listed.status == 200 else []:
                rows[row["name"]] = {**rows.get(row["name"], {}), **row}
        body["step_names"] = sorted(rows)
        body["steps"] = rows
        return body

    def _task_problem(self, pattern: Mapping[str, Any]) -> Optional[str]:
        pattern = dict(pattern)
        name = pattern.pop("task", "main")
        steps = pattern.pop("steps", {})
        seen = self.view(name, bool(steps))
        problem = mismatch(self.fill(pattern), seen)
        for step, wanted in steps.items():
            if problem:
                break
            wanted = {"current_state": wanted} if isinstance(wanted, str) and not wanted.startswith("$") else wanted
            if step not in seen["steps"]:
                problem = None if wanted == "$absent" else f"no step {step}, there are {seen['step_names']}"
            else:
                problem = mismatch(self.fill(wanted), seen["steps"][step], step)
        if not problem:
            return None
        states = {step: row.get("current_state") for step, row in seen["steps"].items()}
        return f"{problem}; task {name} is {seen['status']} with {_short(states)}"

    def do_await(self, entry: Mapping[str, Any]) -> None:
        """Until the task is as said. A task that ended otherwise than awaited does not change any more."""
        pattern = {key: value if key == "steps" else self.fill(value) for key, value in entry["await"].items()}

        def hopeless() -> Optional[str]:
            if entry.get("revives") or "status" not in pattern or isinstance(pattern["status"], dict):
                return None
            status = self.view(pattern.get("task", "main"), False)["status"]
            if status in FINAL and status != pattern["status"]:
                return f"it ended {status}; {self._errors(pattern.get('task', 'main'))}"
            return None

        self.until(entry, lambda: self._task_problem(pattern), hopeless)

    def _errors(self, task: str) -> str:
        steps = self.view(task, True)["steps"]
        return _short({name: (row.get("results") or {}).get("error") for name, row in steps.items()
                       if (row.get("results") or {}).get("error")})

    def do_expect(self, entry: Mapping[str, Any]) -> None:
        """The task is as said, now."""
        problem = self._task_problem(entry["expect"])
        if problem:
            raise Mismatch(problem)

    # -- any call --------------------------------------------------------------------------------

    def do_call(self, entry: Mapping[str, Any]) -> None:
        """METHOD path; with `eventually` until the answer is as said."""
        method, _, target = self.fill(entry["call"]).partition(" ")

        def once() -> Answer:
            return self.http.call(method, target, self.fill(entry["body"]) if "body" in entry else None,
                                  text=self.fill(entry["text"]) if "text" in entry else None,
                                  content_type=entry.get("content_type", "application/json"),
                                  headers=self.fill(entry.get("headers")))

        last: List[Answer] = []

        def probe() -> Optional[str]:
            last[:] = [once()]
            return self._problem(entry, last[0], 200)

        def no_such_route() -> Optional[str]:
            message = last[0].body.get("error", {}).get("message", "") if isinstance(last[0].body, dict) else ""
            return "and waiting does not help" if "no such route" in message else None

        if entry.get("eventually"):
            self.until(entry, probe, no_such_route)
        else:
            problem = probe()
            if problem:
                raise Mismatch(problem)
        if "save" in entry:
            self.vars[entry["save"]] = last[0].body

    def do_let(self, entry: Mapping[str, Any]) -> None:
        for name, value in entry["let"].items():
            self.vars[name] = self.fill(value)

    def do_each(self, entry: Mapping[str, Any]) -> None:
        for number, value in enumerate(entry["each"], 1):
            self.vars[entry.get("as", "v")] = self.fill(value)
            self.perform(entry["do"], f"[{number}] ")

    # -- operators --------------------------------------------------------------------------------

    def do_act(self, entry: Mapping[str, Any]) -> None:
        """An operator's act. Where its answer may differ, `then` has what must follow, by status: `{"200": [...], "409": [...]}`."""
        act, task = self.fill(entry["act"]), entry.get("task", "main")
        body = self.fill(entry.get("body"))
        path = f"/v1/tasks/{self.task_uuid(task)}"
        if act == "cancel":
            answer = self.http.call("DELETE", path, body)
        elif act in ("pause", "resume"):
            answer = self.http.call("POST", f"{path}/{act}", body if body is not None else {})
        elif act == "dead_letter":
            answer = self.http.call("POST", f"/v1/dlq/task/{self.task_uuid(task)}", body if body is not None else {})
        elif act == "redrive":
            found = self.http.call("GET", f"/v1/dlq/task/{self.task_uuid(task)}")
            if found.status != 200:
                raise Mismatch(f"no dead letter of {task}: {found.status} {_short(found.body)}")
            answer = self.http.call("POST", f"/v1/dlq/entry/{found.body['dlq_entry_uuid']}/redrive",
                                    body if body is not None else {})
        else:
            action, who = _MANUAL[act]
            given: Dict[str, Any] = {"action_type": action, "reason": "by the scenario", who: "operator"}
            if act == "complete":
                given["completion_data"] = {"result": {}}
            step = self.step_uuid(task, self.fill(entry["step"]))
            answer = self.http.call("PATCH", f"{path}/workflow_steps/{step}", {**given, **(body or {})})
        self.check(entry, answer, 200)
        if "save" in entry:
            self.vars[entry["save"]] = answer.body
        self.perform(entry.get("then", {}).get(str(answer.status), []), f"[{answer.status}] ")

    # -- the worker ---------------------------------------------------------------------------------

    def do_worker(self, entry: Mapping[str, Any]) -> None:
        self.worker.start() if entry["worker"] == "start" else self.worker.stop()

    def run_of(self, given: Mapping[str, Any], wait: bool = True) -> Run:
        """The n-th run of a step (1 unless said otherwise), waited for."""
        step, number = given["step"], given.get("run", 1)

        def probe() -> Optional[str]:
            return None if len(self._runs(given)) >= number else f"{step} was dispatched {len(self._runs(given))} times, not {number}"

        if wait:
            self.until(given, probe)
        return self._runs(given)[number - 1]

    def _runs(self, given: Mapping[str, Any]) -> List[Run]:
        found = self.worker.runs_of(given["step"])
        if "task" in given:
            found = [run for run in found if run.payload["task_uuid"] == self.task_uuid(given["task"])]
        return found

    def do_await_run(self, entry: Mapping[str, Any]) -> None:
        """Until the worker got the step (for the n-th time)."""
        given = entry["await_run"]
        self.run_of(given if isinstance(given, dict) else {"step": given})

    def do_finish(self, entry: Mapping[str, Any]) -> None:
        """Ends a held run: `{"finish": {"step": "a", "run": 2, "succeed": …}}`; the name alone succeeds."""
        given = entry["finish"] if isinstance(entry["finish"], dict) else {"step": entry["finish"]}
        outcome = self.worker.report(self.http, self.run_of(given), self.fill(given))
        wanted = entry.get("status", "accepted")
        if outcome["status"] not in (wanted if isinstance(wanted, list) else [wanted]):
            raise Mismatch(f"the result was {outcome}, wanted {wanted}")
        if "answer" in entry:
            problem = mismatch(entry["answer"], outcome)
            if problem:
                raise Mismatch(problem)

    def do_finish_at_once(self, entry: Mapping[str, Any]) -> None:
        """Ends held runs, each by `times` calls of its own, all at the same moment: one of them is accepted, the others are
        duplicates."""
        given, times = entry["finish_at_once"], entry.get("times", 1)
        runs = [self.run_of({"step": step, "task": entry.get("task", "main")}) for step in given]
        barrier = threading.Barrier(len(runs) * times)

        def one(run: Run) -> None:
            http = Http(self.node.url)
            barrier.wait()
            self.worker.report(http, run, {"succeed": {}})
            http.close()

        threads = [threading.Thread(target=one, args=(run,)) for run in runs for _ in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for step, run in zip(given, runs):
            statuses = sorted(report["status"] for report in run.reports)
            if statuses != ["accepted"] + ["duplicate"] * (times - 1):
                raise Mismatch(f"the results of {step} were {statuses}")

    def do_heartbeat(self, entry: Mapping[str, Any]) -> None:
        given = entry["heartbeat"]

        def probe() -> Optional[str]:
            outcome = self.worker.heartbeat(self.http, self.run_of(given), self.fill(given.get("checkpoint")))
            return mismatch(entry.get("answer", {"status": entry.get("status", "extended")}), outcome)

        if entry.get("eventually"):
            return self.until(entry, probe)
        problem = probe()
        if problem:
            raise Mismatch(problem)

    def do_poll(self, entry: Mapping[str, Any]) -> None:
        """The script itself takes steps, by name in any order (or in order, with `ordered`)."""
        runs = self.worker.poll(self.http, **{"wait_ms": 0, **self.fill(entry["poll"])})
        names = [run.name for run in runs]
        wanted = entry.get("names")
        if wanted is not None and (names if entry.get("ordered") else sorted(names)) != (
                wanted if entry.get("ordered") else sorted(wanted)):
            raise Mismatch(f"the poll gave {names}, wanted {wanted}")

    def do_runs(self, entry: Mapping[str, Any]) -> None:
        """What the worker was given and answered: a pattern per run, in order."""
        for step, patterns in entry["runs"].items():
            given = {"step": step, **({"task": entry["task"]} if "task" in entry else {})}
            seen = [run.view() for run in self._runs(given)]
            problem = mismatch(self.fill(patterns), seen, step)
            if problem:
                raise Mismatch(problem)

    def do_order(self, entry: Mapping[str, Any]) -> None:
        """The order in which the worker first got these steps; `{"task": …, "step": …}` or names."""
        firsts = []
        for given in entry["order"]:
            runs = self._runs(given if isinstance(given, dict) else {"step": given})
            if not runs:
                raise Mismatch(f"{given} was never dispatched")
            firsts.append(self.worker.runs.index(runs[0]))
        if firsts != sorted(firsts):
            raise Mismatch(f"dispatched in the order {firsts}")

    def do_delays(self, entry: Mapping[str, Any]) -> None:
        """Milliseconds from the report of a run to the next run. The failure counts from somewhere between sending the report
        and its answer, so the lower bound is compared with the longer time and the upper bound with the shorter."""
        for step, bounds in entry["delays"].items():
            runs = self.worker.runs_of(step)
            if len(runs) != len(bounds) + 1:
                raise Mismatch(f"{step} ran {len(runs)} times, wanted {len(bounds) + 1}")
            for number, (low, high) in enumerate(bounds):
                before, after = runs[number], runs[number + 1]
                longest, shortest = (after.received - t for t in (before.sent, before.answered))
                if longest * 1000 < low:
                    raise Mismatch(f"{step} run {number + 2} came {longest * 1000:.0f} ms after the failure, wanted at least {low}")
                if shortest * 1000 > high + SLACK_MS:
                    raise Mismatch(f"{step} run {number + 2} came {shortest * 1000:.0f} ms after the failure, wanted at most {high}")

    def do_backoff(self, entry: Mapping[str, Any]) -> None:
        """A step waits for its retry after so many attempts, and as long as said (milliseconds, by the node's own times)."""
        step, attempts, (low, high) = entry["backoff"], self.fill(entry["attempts"]), self.fill(entry["ms"])
        task = entry.get("task", "main")

        def probe() -> Optional[str]:
            row = self.view(task, True)["steps"].get(step, {})
            problem = mismatch({"current_state": "waiting_for_retry", "attempts": attempts, "next_retry_at": "$time"}, row, step)
            if problem:
                return problem
            failed = row.get("last_failure_at") or row["results"]["metadata"]["completed_at"]
            delay = (_moment(row["next_retry_at"]) - _moment(failed)) * 1000
            self.vars.setdefault("backoffs", []).append(delay)
            return None if low <= delay <= high else f"{step} waits {delay:.0f} ms, wanted {low} to {high}"

        self.until(entry, probe)

    def do_backoffs_vary(self, _entry: Mapping[str, Any]) -> None:
        """The delays seen by `backoff` are not all the same."""
        if len(set(self.vars.get("backoffs", []))) < 2:
            raise Mismatch(f"no variation in {self.vars.get('backoffs')}")

    def do_most_at_once(self, entry: Mapping[str, Any]) -> None:
        """The most runs of steps with this prefix that were with the worker at a time."""
        prefix, wanted = entry["most_at_once"], entry["count"]
        events = []
        for run in self.worker.runs:
            if run.name.startswith(prefix):
                events += [(run.received, 1), (run.sent or time.monotonic(), -1)]
        most = running = 0
        for _, change in sorted(events):
            running += change
            most = max(most, running)
        problem = mismatch(wanted, most)
        if problem:
            raise Mismatch(f"at once: {problem}")

    # -- audit, events, database -----------------------------------------------------------------------

    def do_audit(self, entry: Mapping[str, Any]) -> None:
        """Rows about a step, newest first; refused reports may be written a little later."""
        task = entry.get("task", "main")
        path = f"/v1/tasks/{self.task_uuid(task)}/workflow_steps/{self.step_uuid(task, entry['audit'])}/audit"

        def probe() -> Optional[str]:
            answer = self.http.call("GET", path)
            if answer.status != 200:
                return f"GET {path}: {answer.status} {_short(answer.body)}"
            return mismatch(self.fill(entry["rows"]), answer.body, "audit")

        self.until({"within_s": 10, **entry}, probe)

    def do_events(self, entry: Mapping[str, Any]) -> None:
        """Durable events of the scenario's namespace, oldest first."""
        def probe() -> Optional[str]:
            answer = self.http.call("GET", f"/v1/events?namespace={self.namespace}&limit=1000")
            if answer.status != 200:
                return f"GET /v1/events: {answer.status} {_short(answer.body)}"
            rows = answer.body["events"] if isinstance(answer.body, dict) else answer.body
            return mismatch(self.fill(entry["events"]), rows, "events")

        self.until({"within_s": 10, **entry}, probe)

    def do_sql(self, entry: Mapping[str, Any]) -> None:
        try:
            rows = self.node.sql(self.fill(entry["sql"]))
        except AssertionError as error:
            if "error" in entry and re.search(entry["error"], str(error)):
                return
            raise Mismatch(str(error)) from None
        if "error" in entry:
            raise Mismatch(f"the statement was accepted: {rows}")
        if "rows" in entry:
            problem = mismatch(self.fill(entry["rows"]), rows, "rows")
            if problem:
                raise Mismatch(problem)
        if "save" in entry:
            self.vars[entry["save"]] = rows[0][0] if rows else None

    def do_cli(self, entry: Mapping[str, Any]) -> None:
        """A command of the program that works on the database itself, and what it prints as JSON."""
        done = self.node.program(self.fill(entry["cli"]))
        if done.returncode != entry.get("exit", 0):
            raise Mismatch(f"{entry['cli']}: exit code {done.returncode}, {done.stderr or done.stdout}")
        problem = mismatch(self.fill(entry.get("answer", "$any")), json.loads(done.stdout), "answer")
        if problem:
            raise Mismatch(problem)

    def do_measure(self, _entry: Mapping[str, Any]) -> None:
        self._baseline = self.node.round_trips()

    def do_round_trips(self, entry: Mapping[str, Any]) -> None:
        """Since `measure`, exactly these; what the node does by itself is left out."""
        now = self.node.round_trips()
        spent = {name: count - self._baseline.get(name, 0) for name, count in now.items()
                 if count != self._baseline.get(name, 0) and name not in BACKGROUND}
        problem = mismatch(entry["round_trips"], spent, "round trips")
        if problem or set(spent) - set(entry["round_trips"]):
            raise Mismatch(f"round trips {spent}, wanted {entry['round_trips']}")

    def do_restart(self, entry: Mapping[str, Any]) -> None:
        """Ends the node by `kill` or `stop` and starts it again on its data."""
        self.node.kill9() if entry["restart"] == "kill" else self.node.stop()
        self.http.close()
        self.node.start()


OPERATIONS = tuple(name[3:] for name in dir(Performance) if name.startswith("do_"))


def operation_of(entry: Mapping[str, Any]) -> str:
    """The operation that a script entry asks for."""
    names = [key for key in entry if key in OPERATIONS]
    if not names:
        raise ValueError(f"no operation in {json.dumps(entry)}")
    return names[0]


def _moment(text: str) -> float:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _short(value: Any, limit: int = 700) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else text[:limit] + "…"
