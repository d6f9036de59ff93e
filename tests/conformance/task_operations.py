"""What a script says of templates and tasks: making them, waiting for them, and what operators do to them."""

from __future__ import annotations

import threading
from typing import Any, Dict, List, Mapping, Optional

from harness import FINAL
from http_calls import Answer, Http
from matching import mismatch
from stage import Mismatch, Stage, short

_MANUAL = {  # act -> action_type and the field for who did it
    "reset": ("reset_for_retry", "reset_by"),
    "resolve": ("resolve_manually", "resolved_by"),
    "complete": ("complete_manually", "completed_by"),
}


class TaskOperations(Stage):
    """Each do_X is the operation X."""

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
            raise Mismatch(f"GET {path}: {answer.status} {short(answer.body)}")
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
        return f"{problem}; task {name} is {seen['status']} with {short(states)}"

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
        return short({name: (row.get("results") or {}).get("error") for name, row in steps.items()
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
                raise Mismatch(f"no dead letter of {task}: {found.status} {short(found.body)}")
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
