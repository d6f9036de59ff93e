"""The REST interface of a node, as plain calls."""

from __future__ import annotations

import collections
import json
import time
import urllib.parse
from typing import Any, Deque, Dict, Iterable, List, Mapping, Optional, Union

from .errors import ApiError
from .transport import Connection, Response, TransportError

FINAL_STATES = frozenset({"complete", "error", "cancelled", "resolved_manually"})

# How long one read waits for the end of a task: below what proxies grant an exchange.
LONGEST_WAIT_SECONDS = 20.0

_WHO = {"initiator": "geartrain-python", "source_system": "geartrain-python"}


class Client:
    """Calls of one node. Safe to share between threads: each call takes a kept connection or opens one.

    A refusal or a broken connection is an ApiError. Only reads are repeated, once, after a broken connection: a repeated
    creation could make a second task. Give an `idempotency_key` to be able to repeat one safely.
    """

    def __init__(self, url: str, *, timeout: float = 30.0, headers: Optional[Mapping[str, str]] = None) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._headers = dict(headers or {})
        self._idle: Deque[Connection] = collections.deque()

    # -- tasks -----------------------------------------------------------------

    def create_task(
        self,
        namespace: str,
        name: str,
        context: Optional[Mapping[str, Any]] = None,
        *,
        version: Optional[str] = None,
        **fields: Any,
    ) -> Dict[str, Any]:
        """Creates a task and returns it with its steps. `fields` are further fields of the request, such as `priority`,
        `tags`, `idempotency_key`, `identity_strategy`, `correlation_id`, `initiator`, `source_system`, `reason`.
        An equal task that exists already is an ApiError with status 409 that names it in `details`."""
        body: Dict[str, Any] = {**_WHO, **fields}
        body.update(namespace=namespace, name=name, context=dict(context or {}))
        if version is not None:
            body["version"] = version
        return self._json("POST", "/v1/tasks", body)

    def create_tasks(self, tasks: Iterable[Mapping[str, Any]]) -> List[Dict[str, Any]]:
        """Creates up to 1,000 tasks in one call. Each is a mapping with `namespace`, `name` and whatever else `create_task`
        takes; what becomes of one does not touch the others. The answer has a result for each, in their order:
        `{"status": 201, "task_uuid": …, "correlation_id": …}`, or another status with the `error` that `create_task`
        would have raised."""
        return self._json("POST", "/v1/tasks/bulk", {"tasks": [{**_WHO, **task} for task in tasks]})["results"]

    def get_task(self, task_uuid: str, *, wait: float = 0.0) -> Dict[str, Any]:
        """The task with its steps; with `wait`, as soon as it is over, but after that many seconds (at most 60) as it is
        then."""
        target = f"/v1/tasks/{_segment(task_uuid)}"
        if wait > 0:
            target += f"?wait_ms={int(wait * 1000)}"
        return self._json("GET", target, patience=wait)

    def list_tasks(self, *, page: int = 1, per_page: int = 25, **filters: Any) -> Dict[str, Any]:
        """One page of tasks, newest first. Filters: `namespace`, `name`, `version`, `status`, `tag`, `initiator`,
        `source_system`, `correlation_id`, `created_after`, `created_before`; `before` continues below a task."""
        query = urllib.parse.urlencode({"page": page, "per_page": per_page, **filters}, doseq=True)
        return self._json("GET", f"/v1/tasks?{query}")

    def cancel_task(self, task_uuid: str, reason: str = "", by: str = "") -> Dict[str, Any]:
        """Cancels a task and what is open of it. A task that is over is an ApiError with status 409."""
        return self._json("DELETE", f"/v1/tasks/{_segment(task_uuid)}", _note(reason, cancelled_by=by) or None)

    def pause_task(self, task_uuid: str, reason: str = "", by: str = "") -> Dict[str, Any]:
        """Nothing of the task is dispatched until it is resumed; what runs may finish."""
        return self._json("POST", f"/v1/tasks/{_segment(task_uuid)}/pause", _note(reason, by=by))

    def resume_task(self, task_uuid: str, reason: str = "", by: str = "") -> Dict[str, Any]:
        return self._json("POST", f"/v1/tasks/{_segment(task_uuid)}/resume", _note(reason, by=by))

    def task_summary(self, task_uuid: str) -> Dict[str, Any]:
        """Task, template, steps with their errors, dead letter and links, in short."""
        return self._json("GET", f"/v1/tasks/{_segment(task_uuid)}/summary")

    def wait_for_task(self, task_uuid: str, timeout: float = 60.0, interval: float = 0.05) -> Dict[str, Any]:
        """The task once it is over, whatever way it ended. Raises the built-in TimeoutError after `timeout` seconds.
        The node tells when it is over; a node that does not wait is asked every `interval` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            asked = time.monotonic()
            wait = min(max(deadline - asked, 0.0), LONGEST_WAIT_SECONDS)
            task = self.get_task(task_uuid, wait=wait)
            if task["status"] in FINAL_STATES:
                return task
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"task {task_uuid} is still {task['status']} after {timeout} s")
            if time.monotonic() - asked < wait:  # a node that is busy or going down does not wait
                time.sleep(min(interval, left))

    # -- steps -----------------------------------------------------------------

    def list_steps(self, task_uuid: str) -> List[Dict[str, Any]]:
        return self._json("GET", f"/v1/tasks/{_segment(task_uuid)}/workflow_steps")

    def get_step(self, task_uuid: str, step_uuid: str) -> Dict[str, Any]:
        return self._json("GET", f"/v1/tasks/{_segment(task_uuid)}/workflow_steps/{_segment(step_uuid)}")

    def step_audit(self, task_uuid: str, step_uuid: str) -> List[Dict[str, Any]]:
        """What is recorded about a step, newest first: results, refused results, acts of operators."""
        return self._json("GET", f"{_step(task_uuid, step_uuid)}/audit")

    def reset_step(self, task_uuid: str, step_uuid: str, reason: str, by: str) -> Dict[str, Any]:
        """A failed step gets fresh attempts; its task goes on."""
        body = {"action_type": "reset_for_retry", "reason": reason, "reset_by": by}
        return self._json("PATCH", _step(task_uuid, step_uuid), body)

    def resolve_step(self, task_uuid: str, step_uuid: str, reason: str, by: str) -> Dict[str, Any]:
        """The step counts as done, without a result."""
        body = {"action_type": "resolve_manually", "reason": reason, "resolved_by": by}
        return self._json("PATCH", _step(task_uuid, step_uuid), body)

    def complete_step(
        self, task_uuid: str, step_uuid: str, result: Any, reason: str, by: str, metadata: Any = None
    ) -> Dict[str, Any]:
        """The step is done with this result."""
        data = {"result": result} if metadata is None else {"result": result, "metadata": metadata}
        body = {"action_type": "complete_manually", "completion_data": data, "reason": reason, "completed_by": by}
        return self._json("PATCH", _step(task_uuid, step_uuid), body)

    # -- dead letters ------------------------------------------------------------

    def list_dead_letters(self, **filters: Any) -> List[Dict[str, Any]]:
        """Cases, newest first. Filters: `resolution_status`, `limit`, `offset`."""
        return self._json("GET", "/v1/dlq" + _query(filters))

    def get_dead_letter(self, task_uuid: str) -> Dict[str, Any]:
        """The latest case of a task; an ApiError with status 404 if it has none."""
        return self._json("GET", f"/v1/dlq/task/{_segment(task_uuid)}")

    def open_dead_letter(self, task_uuid: str, reason: str = "", by: str = "") -> Dict[str, Any]:
        """Opens a case by hand."""
        return self._json("POST", f"/v1/dlq/task/{_segment(task_uuid)}", _note(reason, opened_by=by))

    def update_dead_letter(self, entry_uuid: str, **changes: Any) -> Dict[str, Any]:
        """`resolution_status`, `resolution_notes`, `resolved_by`, `metadata`. The task is not touched."""
        return self._json("PATCH", f"/v1/dlq/entry/{_segment(entry_uuid)}", changes)

    def redrive(self, entry_uuid: str, reason: str = "", by: str = "") -> Dict[str, Any]:
        """Resets every failed step of the case's task, lets it go on, and closes the case."""
        return self._json("POST", f"/v1/dlq/entry/{_segment(entry_uuid)}/redrive", _note(reason, redriven_by=by))

    # -- events and pauses -----------------------------------------------------------

    def list_events(self, namespace: Optional[str] = None, after: int = 0, limit: int = 100) -> List[Dict[str, Any]]:
        """Durable events after a position, oldest first."""
        query = _query({"namespace": namespace, "after": after, "limit": limit})
        return self._json("GET", f"/v1/events{query}")["events"]

    def pause(self, namespace: str, template: Optional[str] = None, reason: str = "", by: str = "") -> Dict[str, Any]:
        """Nothing of a namespace, or of one template in it, is dispatched until it is resumed."""
        return self._json("POST", _pausable(namespace, template) + "/pause", _note(reason, by=by))

    def resume(self, namespace: str, template: Optional[str] = None, reason: str = "", by: str = "") -> Dict[str, Any]:
        return self._json("POST", _pausable(namespace, template) + "/resume", _note(reason, by=by))

    # -- templates -------------------------------------------------------------

    def register_template(self, template: Union[str, Mapping[str, Any]]) -> Dict[str, Any]:
        """Registers a template, given as YAML text or as a mapping. An invalid one is an ApiError with status 422 whose
        `details` list every problem."""
        if isinstance(template, str):
            return self._send("POST", "/v1/templates", template.encode("utf-8"), "application/yaml")
        return self._json("POST", "/v1/templates", template)

    def list_templates(self, namespace: Optional[str] = None) -> Dict[str, Any]:
        query = "?" + urllib.parse.urlencode({"namespace": namespace}) if namespace else ""
        return self._json("GET", f"/v1/templates{query}")

    def get_template(self, namespace: str, name: str, version: str) -> Dict[str, Any]:
        return self._json("GET", f"/v1/templates/{_segment(namespace)}/{_segment(name)}/{_segment(version)}")

    # -- the node --------------------------------------------------------------

    def health(self, kind: str = "ready") -> Dict[str, Any]:
        """`kind`: live, ready or detailed. An unready node is an ApiError with status 503."""
        return self._json("GET", f"/health/{_segment(kind)}")

    def telemetry(self, kind: str = "database") -> Dict[str, Any]:
        """Counters of the node. `kind`: database or actors."""
        return self._json("GET", f"/v1/telemetry/{_segment(kind)}")

    def close(self) -> None:
        """Closes the kept connections. The client can still be used."""
        while self._idle:
            self._idle.pop().close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    # -- exchange --------------------------------------------------------------

    def _json(self, method: str, target: str, body: Any = None, patience: float = 0.0) -> Any:
        text = None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8")
        return self._send(method, target, text, "application/json", patience)

    def _send(self, method: str, target: str, body: Optional[bytes], content_type: str, patience: float = 0.0) -> Any:
        """`patience`: seconds that the node may take on purpose, besides the client's timeout."""
        timeout = self._timeout + patience
        try:
            try:
                response = self._exchange(method, target, body, content_type, timeout)
            except TransportError:
                if method != "GET":
                    raise
                self.close()  # what broke one kept connection has likely broken the others
                response = self._exchange(method, target, body, content_type, timeout)
            if response.status >= 400:
                raise api_error(response)
            return response.json()
        except TransportError as error:
            raise ApiError(0, "NO_ANSWER", str(error)) from error

    def _exchange(
        self, method: str, target: str, body: Optional[bytes], content_type: str, timeout: float
    ) -> Response:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = Connection(self.url, self._headers)
        response = connection.request(method, target, body, content_type=content_type, timeout=timeout)
        self._idle.append(connection)
        return response


def api_error(response: Response) -> ApiError:
    """The error that a refusing answer carries."""
    try:
        answer = response.json()
    except TransportError:
        answer = None  # something between us and the node answered
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        error = {"code": "UNKNOWN", "message": response.body[:200].decode("utf-8", "replace")}
    return ApiError(
        response.status, str(error.get("code")), str(error.get("message")), error.get("details"),
        response.retry_after(),
    )


def _note(reason: str, **who: str) -> Dict[str, str]:
    """Who and why, without what is not said."""
    return {name: text for name, text in {"reason": reason, **who}.items() if text}


def _query(fields: Mapping[str, Any]) -> str:
    given = {name: value for name, value in fields.items() if value is not None}
    return "?" + urllib.parse.urlencode(given) if given else ""


def _step(task_uuid: str, step_uuid: str) -> str:
    return f"/v1/tasks/{_segment(task_uuid)}/workflow_steps/{_segment(step_uuid)}"


def _pausable(namespace: str, template: Optional[str]) -> str:
    if template is None:
        return f"/v1/namespaces/{_segment(namespace)}"
    return f"/v1/templates/{_segment(namespace)}/{_segment(template)}"


def _segment(text: str) -> str:
    return urllib.parse.quote(str(text), safe="")
