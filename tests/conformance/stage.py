"""One scenario on one node: what its script has said so far, and how an answer is compared with what was wanted."""

from __future__ import annotations

import datetime
import json
import os
import re
import time
import uuid
from typing import Any, Callable, Dict, List, Mapping, Optional

from harness import Node
from http_calls import Answer, Http
from matching import mismatch
from scripted_worker import ScriptedWorker

AWAIT_SECONDS = float(os.environ.get("GEARTRAIN_CONFORMANCE_AWAIT_SECONDS", "60"))

_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*(?:[.:][\w.+-]+)*)\}")


class Mismatch(AssertionError):
    """Something is not as the scenario says."""


class Stage:
    """What all operations of a script share."""

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
            raise Mismatch(f"task {task} has no step {step}: {answer.status} {short(answer.body)}")
        return found[0]

    # -- checking ------------------------------------------------------------------------

    def check(self, entry: Mapping[str, Any], answer: Answer, status: int) -> None:
        problem = self._problem(entry, answer, status)
        if problem:
            raise Mismatch(problem)

    def _problem(self, entry: Mapping[str, Any], answer: Answer, status: int) -> Optional[str]:
        wanted = entry.get("status", status)
        if answer.status not in (wanted if isinstance(wanted, list) else [wanted]):
            return f"HTTP {answer.status}, wanted {wanted}: {short(answer.body)}"
        if "code" in entry:
            code = answer.body.get("error", {}).get("code") if isinstance(answer.body, dict) else None
            if code != entry["code"]:
                return f"code {code}, wanted {entry['code']}: {short(answer.body)}"
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


def short(value: Any, limit: int = 700) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else text[:limit] + "…"
