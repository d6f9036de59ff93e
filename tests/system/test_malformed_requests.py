"""A table of wrong requests: each gets its documented status and JSON error, and nothing is written."""

import http.client
import json
import socket
import unittest
from typing import Any, Dict, NamedTuple, Optional
from urllib.parse import urlsplit

from harness import LINEAR, Node, template

JSON = {"content-type": "application/json"}
YAML = {"content-type": "application/yaml"}
UNKNOWN = "01890000-0000-7000-8000-000000000000"
MIB = 1 << 20


class Row(NamedTuple):
    name: str
    method: str
    path: str
    body: Any  # bytes as they are, None for none, anything else as JSON
    status: int
    code: str
    headers: Dict[str, str] = JSON


def task(**changes: Any) -> Dict[str, Any]:
    body = {"namespace": "sys", "name": "linear", "context": {"n": 1}, "initiator": "i", "source_system": "s", "reason": "r"}
    body.update(changes)
    return {key: value for key, value in body.items() if value is not ...}


def nested(levels: int) -> Dict[str, Any]:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def poll(**changes: Any) -> Dict[str, Any]:
    body = {"worker_id": "w", "namespaces": ["sys"], "max_steps": 1, "wait_ms": 0}
    body.update(changes)
    return {key: value for key, value in body.items() if value is not ...}


def steps(*given: Any, **top: Any) -> Dict[str, Any]:
    return {"name": "t", "namespace_name": "sys", "version": "1.0.0", "steps": list(given), **top}


def step(name: str, *parents: str, **keys: Any) -> Dict[str, Any]:
    return {"name": name, "handler": {"callable": "x"}, "dependencies": list(parents), **keys}


def reset(**changes: Any) -> Dict[str, Any]:
    body = {"action_type": "reset_for_retry", "reason": "r", "reset_by": "x", **changes}
    return {key: value for key, value in body.items() if value is not ...}


def complete(**changes: Any) -> Dict[str, Any]:
    return reset(action_type="complete_manually", reset_by=..., completed_by="x", **changes)


BULK = "/v1/tasks/bulk"
# A task and a step that there are: every wrong request about them leaves them alone.
TASK, STEP = "/v1/tasks/{task}", "/v1/tasks/{task}/workflow_steps/{step}"
TASKS, POLL, RESULTS, HEARTBEAT = "/v1/tasks", "/v1/workers/poll", "/v1/workers/results", "/v1/workers/heartbeat"

TABLE = [
    # -- JSON itself
    Row("no body", "POST", TASKS, None, 400, "JSON_ERROR"),
    Row("empty body", "POST", TASKS, b"", 400, "JSON_ERROR"),
    Row("not JSON", "POST", TASKS, b"hello", 400, "JSON_ERROR"),
    Row("cut off", "POST", TASKS, b'{"namespace": "sys", "name": ', 400, "JSON_ERROR"),
    Row("trailing comma", "POST", TASKS, b'{"namespace": "sys",}', 400, "JSON_ERROR"),
    Row("two documents", "POST", TASKS, b'{} {}', 400, "JSON_ERROR"),
    Row("single quotes", "POST", TASKS, b"{'name': 'x'}", 400, "JSON_ERROR"),
    Row("not UTF-8", "POST", TASKS, b'{"name": "\xff"}', 400, "JSON_ERROR"),
    Row("NUL character", "POST", TASKS, b'{"namespace":"sys","name":"linear","context":{"a":"\\u0000"}}', 400, "JSON_ERROR"),
    Row("lone surrogate", "POST", TASKS, b'{"namespace":"sys","name":"linear","context":{"a":"\\ud800"}}', 400, "JSON_ERROR"),
    Row("integer outside 64 bits", "POST", TASKS, b'{"namespace":"sys","name":"linear","context":{"a":18446744073709551616}}', 400, "JSON_ERROR"),
    Row("number outside double", "POST", TASKS, b'{"namespace":"sys","name":"linear","context":{"a":1e400}}', 400, "JSON_ERROR"),
    Row("a comment", "POST", TASKS, b'{/* */}', 400, "JSON_ERROR"),
    # -- creating many
    Row("bulk: no body", "POST", BULK, None, 400, "JSON_ERROR"),
    Row("bulk: cut off", "POST", BULK, b'{"tasks": [{"name": ', 400, "JSON_ERROR"),
    Row("bulk: not UTF-8", "POST", BULK, b'{"tasks": [{"name": "\xff"}]}', 400, "JSON_ERROR"),
    Row("bulk: zero byte behind", "POST", BULK, b'{"tasks": [{}]}\x00', 400, "JSON_ERROR"),
    Row("bulk: an array", "POST", BULK, [task()], 400, "BAD_REQUEST"),
    Row("bulk: no tasks", "POST", BULK, {}, 400, "BAD_REQUEST"),
    Row("bulk: null", "POST", BULK, {"tasks": None}, 400, "BAD_REQUEST"),
    Row("bulk: none", "POST", BULK, {"tasks": []}, 400, "BAD_REQUEST"),
    Row("bulk: an object", "POST", BULK, {"tasks": task()}, 400, "BAD_REQUEST"),
    Row("bulk: too many", "POST", BULK, {"tasks": [task()] * 1001}, 400, "BAD_REQUEST"),
    Row("bulk: far too deep", "POST", BULK, {"tasks": [task(context=nested(600))]}, 400, "BAD_REQUEST"),
    Row("bulk: another type", "POST", BULK, b"tasks", 415, "UNSUPPORTED_MEDIA_TYPE", YAML),
    # -- waiting for a task
    *(Row(f"wait_ms {text!r}", "GET", f"{TASKS}/{UNKNOWN}?wait_ms={text}", None, 400, "BAD_REQUEST")
      for text in ("", "x", "-1", "60001", "1.5", "1e3", "9" * 30)),
    Row("wait for no task", "GET", f"{TASKS}/{UNKNOWN}?wait_ms=60000", None, 404, "NOT_FOUND"),
    # -- creating a task
    Row("an array", "POST", TASKS, [], 400, "BAD_REQUEST"),
    Row("a string", "POST", TASKS, "x", 400, "BAD_REQUEST"),
    Row("no namespace", "POST", TASKS, task(namespace=...), 400, "BAD_REQUEST"),
    Row("no name", "POST", TASKS, task(name=...), 400, "BAD_REQUEST"),
    Row("empty namespace", "POST", TASKS, task(namespace=""), 400, "BAD_REQUEST"),
    Row("empty name", "POST", TASKS, task(name=""), 400, "BAD_REQUEST"),
    Row("empty version", "POST", TASKS, task(version=""), 400, "BAD_REQUEST"),
    Row("name is a number", "POST", TASKS, task(name=1), 400, "BAD_REQUEST"),
    Row("name too long", "POST", TASKS, task(name="n" * 256), 400, "BAD_REQUEST"),
    Row("context is a list", "POST", TASKS, task(context=[]), 400, "BAD_REQUEST"),
    Row("context is a string", "POST", TASKS, task(context="x"), 400, "BAD_REQUEST"),
    Row("context is null", "POST", TASKS, task(context=None), 400, "BAD_REQUEST"),
    Row("context too deep", "POST", TASKS, task(context=nested(65)), 400, "BAD_REQUEST"),
    Row("priority too high", "POST", TASKS, task(priority=101), 400, "BAD_REQUEST"),
    Row("priority too low", "POST", TASKS, task(priority=-101), 400, "BAD_REQUEST"),
    Row("priority is text", "POST", TASKS, task(priority="high"), 400, "BAD_REQUEST"),
    Row("priority is a fraction", "POST", TASKS, task(priority=1.5), 400, "BAD_REQUEST"),
    Row("tags is a string", "POST", TASKS, task(tags="a"), 400, "BAD_REQUEST"),
    Row("a tag is a number", "POST", TASKS, task(tags=[1]), 400, "BAD_REQUEST"),
    Row("a tag is too long", "POST", TASKS, task(tags=["t" * 129]), 400, "BAD_REQUEST"),
    Row("too many tags", "POST", TASKS, task(tags=["t"] * 65), 400, "BAD_REQUEST"),
    Row("reason too long", "POST", TASKS, task(reason="r" * 1025), 400, "BAD_REQUEST"),
    Row("initiator too long", "POST", TASKS, task(initiator="i" * 256), 400, "BAD_REQUEST"),
    Row("initiator is an object", "POST", TASKS, task(initiator={}), 400, "BAD_REQUEST"),
    Row("source_system too long", "POST", TASKS, task(source_system="s" * 256), 400, "BAD_REQUEST"),
    Row("idempotency_key too long", "POST", TASKS, task(idempotency_key="k" * 256), 400, "BAD_REQUEST"),
    Row("correlation_id is no UUID", "POST", TASKS, task(correlation_id="42"), 400, "BAD_REQUEST"),
    Row("parent_correlation_id is no UUID", "POST", TASKS, task(parent_correlation_id=7), 400, "BAD_REQUEST"),
    Row("unknown identity_strategy", "POST", TASKS, task(identity_strategy="loose"), 400, "BAD_REQUEST"),
    Row("caller_provided without a key", "POST", TASKS, task(identity_strategy="caller_provided"), 400, "BAD_REQUEST"),
    Row("unknown namespace", "POST", TASKS, task(namespace="nowhere"), 404, "NOT_FOUND"),
    Row("unknown template", "POST", TASKS, task(name="nothing"), 404, "NOT_FOUND"),
    Row("unknown version", "POST", TASKS, task(version="9.9.9"), 404, "NOT_FOUND"),
    Row("context breaks the schema", "POST", TASKS, task(name="strict", context={"amount": "much"}), 422, "INVALID_CONTEXT"),
    Row("context lacks a key of the schema", "POST", TASKS, task(name="strict", context={}), 422, "INVALID_CONTEXT"),
    Row("content type of text", "POST", TASKS, task(), 415, "UNSUPPORTED_MEDIA_TYPE", {"content-type": "text/plain"}),
    Row("no content type", "POST", TASKS, task(), 415, "UNSUPPORTED_MEDIA_TYPE", {}),
    Row("body over the limit", "POST", TASKS, b'{"namespace":"' + b"x" * MIB + b'"}', 413, "PAYLOAD_TOO_LARGE"),
    # -- reading tasks
    Row("task id is no UUID", "GET", "/v1/tasks/42", None, 400, "INVALID_UUID"),
    Row("unknown task", "GET", f"/v1/tasks/{UNKNOWN}", None, 404, "NOT_FOUND"),
    Row("steps of an unknown task", "GET", f"/v1/tasks/{UNKNOWN}/workflow_steps", None, 404, "NOT_FOUND"),
    Row("step id is no UUID", "GET", f"/v1/tasks/{UNKNOWN}/workflow_steps/x", None, 400, "INVALID_UUID"),
    Row("unknown step", "GET", f"/v1/tasks/{UNKNOWN}/workflow_steps/{UNKNOWN}", None, 404, "NOT_FOUND"),
    Row("page zero", "GET", "/v1/tasks?page=0", None, 400, "BAD_REQUEST"),
    Row("page is text", "GET", "/v1/tasks?page=one", None, 400, "BAD_REQUEST"),
    Row("per_page zero", "GET", "/v1/tasks?per_page=0", None, 400, "BAD_REQUEST"),
    Row("per_page too large", "GET", "/v1/tasks?per_page=101", None, 400, "BAD_REQUEST"),
    Row("unknown status", "GET", "/v1/tasks?status=completed", None, 400, "BAD_REQUEST"),
    # -- templates
    Row("template is no YAML", "POST", "/v1/templates", b"a: [", 422, "INVALID_TEMPLATE", YAML),
    Row("template is a scalar", "POST", "/v1/templates", b"hello", 422, "INVALID_TEMPLATE", YAML),
    Row("template is no JSON", "POST", "/v1/templates", b"{", 422, "INVALID_TEMPLATE"),
    Row("empty template", "POST", "/v1/templates", b"{}", 422, "INVALID_TEMPLATE"),
    Row("template without steps", "POST", "/v1/templates", steps(), 422, "INVALID_TEMPLATE"),
    Row("template with a cycle", "POST", "/v1/templates", steps(step("a", "b"), step("b", "a")), 422, "INVALID_TEMPLATE"),
    Row("unknown dependency", "POST", "/v1/templates", steps(step("a", "ghost")), 422, "INVALID_TEMPLATE"),
    Row("duplicate step", "POST", "/v1/templates", steps(step("a"), step("a")), 422, "INVALID_TEMPLATE"),
    Row("decision without dependency", "POST", "/v1/templates", steps(step("a", type="decision")), 422, "INVALID_TEMPLATE"),
    Row("attempts out of range", "POST", "/v1/templates", steps(step("a", retry={"max_attempts": 101})), 422, "INVALID_TEMPLATE"),
    Row("unknown back-off", "POST", "/v1/templates", steps(step("a", retry={"backoff": "random"})), 422, "INVALID_TEMPLATE"),
    Row("version is no semver", "POST", "/v1/templates", steps(step("a"), version="one"), 422, "INVALID_TEMPLATE"),
    Row("namespace with a dash", "POST", "/v1/templates", steps(step("a"), namespace_name="a-b"), 422, "INVALID_TEMPLATE"),
    Row("handler missing", "POST", "/v1/templates", steps({"name": "a"}), 422, "INVALID_TEMPLATE"),
    Row("template of another content type", "POST", "/v1/templates", b"x", 415, "UNSUPPORTED_MEDIA_TYPE", {"content-type": "text/html"}),
    Row("unknown template version", "GET", "/v1/templates/sys/linear/9.9.9", None, 404, "NOT_FOUND"),
    # -- workers
    Row("poll without worker", "POST", POLL, poll(worker_id=...), 400, "BAD_REQUEST"),
    Row("poll with a nameless worker", "POST", POLL, poll(worker_id=""), 400, "BAD_REQUEST"),
    Row("poll with a worker's name too long", "POST", POLL, poll(worker_id="w" * 129), 400, "BAD_REQUEST"),
    Row("poll without namespaces", "POST", POLL, poll(namespaces=...), 400, "BAD_REQUEST"),
    Row("poll of no namespace", "POST", POLL, poll(namespaces=[]), 400, "BAD_REQUEST"),
    Row("poll of a namespace that is a number", "POST", POLL, poll(namespaces=[1]), 400, "BAD_REQUEST"),
    Row("poll of no handler", "POST", POLL, poll(handlers=[]), 400, "BAD_REQUEST"),
    Row("poll for zero steps", "POST", POLL, poll(max_steps=0), 400, "BAD_REQUEST"),
    Row("poll for too many steps", "POST", POLL, poll(max_steps=1001), 400, "BAD_REQUEST"),
    Row("poll with a negative wait", "POST", POLL, poll(wait_ms=-1), 400, "BAD_REQUEST"),
    Row("poll with too long a wait", "POST", POLL, poll(wait_ms=60001), 400, "BAD_REQUEST"),
    Row("results is an object", "POST", RESULTS, {"worker_id": "w", "results": {}}, 400, "BAD_REQUEST"),
    Row("results missing", "POST", RESULTS, {"worker_id": "w"}, 400, "BAD_REQUEST"),
    Row("too many results", "POST", RESULTS, {"worker_id": "w", "results": [{}] * 1001}, 400, "BAD_REQUEST"),
    Row("results without worker", "POST", RESULTS, {"results": []}, 400, "BAD_REQUEST"),
    Row("leases missing", "POST", HEARTBEAT, {"worker_id": "w"}, 400, "BAD_REQUEST"),
    Row("too many leases", "POST", HEARTBEAT, {"worker_id": "w", "leases": [{}] * 1001}, 400, "BAD_REQUEST"),
    # -- cancelling
    Row("cancel: task id is no UUID", "DELETE", "/v1/tasks/42", None, 400, "INVALID_UUID"),
    Row("cancel: unknown task", "DELETE", f"/v1/tasks/{UNKNOWN}", None, 404, "NOT_FOUND"),
    Row("cancel: cut off", "DELETE", TASK, b'{"reason": ', 400, "JSON_ERROR"),
    Row("cancel: an array", "DELETE", TASK, [], 400, "BAD_REQUEST"),
    Row("cancel: reason is a number", "DELETE", TASK, {"reason": 7}, 400, "BAD_REQUEST"),
    Row("cancel: reason too long", "DELETE", TASK, {"reason": "r" * 1025}, 400, "BAD_REQUEST"),
    Row("cancel: cancelled_by too long", "DELETE", TASK, {"cancelled_by": "x" * 256}, 400, "BAD_REQUEST"),
    Row("cancel: another type", "DELETE", TASK, b"stop", 415, "UNSUPPORTED_MEDIA_TYPE", YAML),
    Row("cancel: over the limit", "DELETE", TASK, b'{"reason":"' + b"x" * MIB + b'"}', 413, "PAYLOAD_TOO_LARGE"),
    # -- acts on steps
    Row("act: task id is no UUID", "PATCH", f"/v1/tasks/42/workflow_steps/{UNKNOWN}", reset(), 400, "INVALID_UUID"),
    Row("act: step id is no UUID", "PATCH", f"{TASK}/workflow_steps/42", reset(), 400, "INVALID_UUID"),
    Row("act: unknown task", "PATCH", f"/v1/tasks/{UNKNOWN}/workflow_steps/{UNKNOWN[:-4]}0001", reset(), 404, "NOT_FOUND"),
    Row("act: unknown step", "PATCH", f"{TASK}/workflow_steps/{UNKNOWN}", reset(), 404, "NOT_FOUND"),
    Row("act: no body", "PATCH", STEP, None, 400, "JSON_ERROR"),
    Row("act: cut off", "PATCH", STEP, b'{"action_type": ', 400, "JSON_ERROR"),
    Row("act: an array", "PATCH", STEP, [reset()], 400, "BAD_REQUEST"),
    Row("act: no type", "PATCH", STEP, reset(action_type=...), 400, "BAD_REQUEST"),
    Row("act: unknown type", "PATCH", STEP, reset(action_type="explode"), 400, "BAD_REQUEST"),
    Row("act: type is a number", "PATCH", STEP, reset(action_type=7), 400, "BAD_REQUEST"),
    Row("act: no reason", "PATCH", STEP, reset(reason=...), 400, "BAD_REQUEST"),
    Row("act: empty reason", "PATCH", STEP, reset(reason=""), 400, "BAD_REQUEST"),
    Row("act: reason too long", "PATCH", STEP, reset(reason="r" * 1025), 400, "BAD_REQUEST"),
    Row("act: nobody", "PATCH", STEP, reset(reset_by=...), 400, "BAD_REQUEST"),
    Row("act: nobody, in the field of another act", "PATCH", STEP, reset(reset_by=..., resolved_by="x"), 400, "BAD_REQUEST"),
    Row("act: who is too long", "PATCH", STEP, reset(reset_by="x" * 256), 400, "BAD_REQUEST"),
    Row("act: completion without data", "PATCH", STEP, complete(), 400, "BAD_REQUEST"),
    Row("act: completion with a number", "PATCH", STEP, complete(completion_data=7), 400, "BAD_REQUEST"),
    Row("act: completion without a result", "PATCH", STEP, complete(completion_data={}), 400, "BAD_REQUEST"),
    Row("act: a result too deep", "PATCH", STEP, complete(completion_data={"result": nested(65)}), 400, "BAD_REQUEST"),
    Row("act: a result with a NUL", "PATCH", STEP, complete(completion_data={"result": "\0"}), 400, "JSON_ERROR"),
    Row("act: another type of body", "PATCH", STEP, b"reset", 415, "UNSUPPORTED_MEDIA_TYPE", YAML),
    Row("act: reset of a step that did not fail", "PATCH", STEP, reset(), 409, "CONFLICT"),
    # -- pausing
    *(row for verb in ("pause", "resume") for row in (
        Row(f"{verb}: task id is no UUID", "POST", f"/v1/tasks/42/{verb}", {}, 400, "INVALID_UUID"),
        Row(f"{verb}: unknown task", "POST", f"/v1/tasks/{UNKNOWN}/{verb}", {}, 404, "NOT_FOUND"),
        Row(f"{verb}: an array", "POST", f"{TASK}/{verb}", [], 400, "BAD_REQUEST"),
        Row(f"{verb}: reason is a map", "POST", f"{TASK}/{verb}", {"reason": {}}, 400, "BAD_REQUEST"),
        Row(f"{verb}: who is too long", "POST", f"{TASK}/{verb}", {"by": "x" * 256}, 400, "BAD_REQUEST"),
        Row(f"{verb} a namespace: cut off", "POST", f"/v1/namespaces/sys/{verb}", b"{", 400, "JSON_ERROR"),
        Row(f"{verb} a template: reason is a number", "POST", f"/v1/templates/sys/linear/{verb}", {"reason": 1}, 400, "BAD_REQUEST"),
    )),
    Row("pause an unknown namespace", "POST", "/v1/namespaces/nowhere/pause", {}, 404, "NOT_FOUND"),
    Row("pause an unknown template", "POST", "/v1/templates/sys/nothing/pause", {}, 404, "NOT_FOUND"),
    Row("wrong method on pauses", "POST", "/v1/pauses", {}, 405, "METHOD_NOT_ALLOWED"),
    # -- dead letters
    Row("dlq: unknown status", "GET", "/v1/dlq?resolution_status=open", None, 400, "BAD_REQUEST"),
    *(Row(f"dlq: {text}", "GET", f"/v1/dlq?{text}", None, 400, "BAD_REQUEST")
      for text in ("limit=0", "limit=1001", "limit=-1", "limit=x", "offset=-1", "offset=many", "offset=10000001")),
    *(Row(f"dlq: {path}, {text}", "GET", f"/v1/dlq/{path}?limit={text}", None, 400, "BAD_REQUEST")
      for path in ("investigation-queue", "staleness") for text in ("0", "1001", "x")),
    Row("dlq: task id is no UUID", "GET", "/v1/dlq/task/42", None, 400, "INVALID_UUID"),
    Row("dlq: no entry of the task", "GET", "/v1/dlq/task/{task}", None, 404, "NOT_FOUND"),
    Row("dlq: opened for an unknown task", "POST", f"/v1/dlq/task/{UNKNOWN}", {}, 404, "NOT_FOUND"),
    Row("dlq: opened with an array", "POST", "/v1/dlq/task/{task}", [], 400, "BAD_REQUEST"),
    Row("dlq: opened by a number", "POST", "/v1/dlq/task/{task}", {"opened_by": 7}, 400, "BAD_REQUEST"),
    Row("dlq: entry id is no UUID", "PATCH", "/v1/dlq/entry/42", {}, 400, "INVALID_UUID"),
    Row("dlq: unknown entry", "PATCH", f"/v1/dlq/entry/{UNKNOWN}", {"resolution_notes": "n"}, 404, "NOT_FOUND"),
    Row("dlq: unknown resolution", "PATCH", f"/v1/dlq/entry/{UNKNOWN}", {"resolution_status": "done"}, 400, "BAD_REQUEST"),
    Row("dlq: metadata is a list", "PATCH", f"/v1/dlq/entry/{UNKNOWN}", {"metadata": []}, 400, "BAD_REQUEST"),
    Row("dlq: no body", "PATCH", f"/v1/dlq/entry/{UNKNOWN}", None, 400, "JSON_ERROR"),
    Row("dlq: redrive of no UUID", "POST", "/v1/dlq/entry/42/redrive", {}, 400, "INVALID_UUID"),
    Row("dlq: redrive of an unknown entry", "POST", f"/v1/dlq/entry/{UNKNOWN}/redrive", {}, 404, "NOT_FOUND"),
    Row("dlq: redrive with an array", "POST", f"/v1/dlq/entry/{UNKNOWN}/redrive", [], 400, "BAD_REQUEST"),
    # -- audit, events, analytics
    Row("audit: task id is no UUID", "GET", f"/v1/tasks/42/workflow_steps/{UNKNOWN}/audit", None, 400, "INVALID_UUID"),
    Row("audit: step id is no UUID", "GET", f"{TASK}/workflow_steps/x/audit", None, 400, "INVALID_UUID"),
    Row("audit: unknown task", "GET", f"/v1/tasks/{UNKNOWN}/workflow_steps/{UNKNOWN[:-4]}0001/audit", None, 404, "NOT_FOUND"),
    Row("audit: unknown step", "GET", f"{TASK}/workflow_steps/{UNKNOWN}/audit", None, 404, "NOT_FOUND"),
    Row("audit: wrong method", "POST", f"{STEP}/audit", {}, 405, "METHOD_NOT_ALLOWED"),
    Row("summary of an unknown task", "GET", f"/v1/tasks/{UNKNOWN}/summary", None, 404, "NOT_FOUND"),
    *(Row(f"events: {text}", "GET", f"/v1/events?{text}", None, 400, "BAD_REQUEST")
      for text in ("after=-1", "after=x", "after=9223372036854775808", "limit=0", "limit=1001", "namespace=", "namespace=%00")),
    Row("events: wrong method", "POST", "/v1/events", {}, 405, "METHOD_NOT_ALLOWED"),
    *(Row(f"analytics: {text}", "GET", f"/v1/analytics/{text}", None, 400, "BAD_REQUEST")
      for text in ("performance?hours=-1", "performance?hours=x", "performance?hours=8785", "bottlenecks?hours=1.5",
                   "bottlenecks?limit=0", "bottlenecks?limit=101", "bottlenecks?min_executions=0", "bottlenecks?min_executions=x")),
    Row("analytics: unknown", "GET", "/v1/analytics/mood", None, 404, "NOT_FOUND"),
    # -- routes
    Row("unknown route", "GET", "/v1/nothing", None, 404, "NOT_FOUND"),
    Row("root", "GET", "/", None, 404, "NOT_FOUND"),
    Row("wrong method on tasks", "PUT", TASKS, None, 405, "METHOD_NOT_ALLOWED"),
    Row("wrong method on a poll", "GET", POLL, None, 405, "METHOD_NOT_ALLOWED"),
    Row("wrong method on health", "POST", "/health", None, 405, "METHOD_NOT_ALLOWED"),
    Row("headers over the limit", "GET", TASKS, None, 431, "", {"x-long": "h" * 40000}),
]

RAW = [
    ("garbage", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
    ("no version", b"GET /v1/tasks\r\n\r\n", 400),
    ("two lengths", b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400),
    ("negative length", b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
]

TABLES = ("tasks", "task_inputs", "attempts", "task_facts", "checkpoints", "identities", "templates", "claims",
          "refused_reports", "dead_letters", "domain_events", "pauses", "task_requests")


class MalformedRequests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.node = Node()
        cls.addClassCleanup(cls.node.__exit__)
        cls.node.start()
        with cls.node.client() as client:
            client.register_template(template("linear", LINEAR))
            strict = template("strict", {"only": []})
            strict["input_schema"] = {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "number"}}}
            client.register_template(strict)
            created = client.create_task("sys", "linear", {"stays": True})
            cls.ids = {"{task}": created["task_uuid"], "{step}": client.list_steps(created["task_uuid"])[0]["step_uuid"]}
        cls.before = cls.rows()

    @classmethod
    def rows(cls) -> Dict[str, str]:
        return {name: cls.node.sql(f"SELECT count(*) FROM geartrain.{name}")[0][0] for name in TABLES}

    def setUp(self) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(self.node.url).netloc, timeout=30)
        self.addCleanup(self.connection.close)

    def tearDown(self) -> None:
        self.assertEqual(self.rows(), self.before, "something was written")

    def check_error(self, status: int, content_type: Optional[str], body: bytes, code: str) -> None:
        self.assertEqual(content_type, "application/json")
        error = json.loads(body)["error"]
        self.assertTrue(error["message"])
        if code:
            self.assertEqual(error["code"], code)

    def path(self, row: Row) -> str:
        path = row.path
        for place, given in self.ids.items():
            path = path.replace(place, given)
        return path

    def test_the_table(self) -> None:
        self.assertGreaterEqual(len(TABLE) + len(RAW), 60)
        for row in TABLE:
            with self.subTest(row.name):
                body = row.body if isinstance(row.body, bytes) or row.body is None else json.dumps(row.body)
                self.connection.request(row.method, self.path(row), body, dict(row.headers))
                answer = self.connection.getresponse()
                content = answer.read()
                self.assertEqual(answer.status, row.status, content)
                self.check_error(answer.status, answer.getheader("content-type"), content, row.code)
                self.assertTrue(answer.getheader("x-request-id"))
                if row.status == 405:
                    self.assertTrue(answer.getheader("allow"))
        with self.node.client() as client:
            self.assertEqual(client.get_task(self.ids["{task}"])["status"], "steps_in_process")
        print(f"{len(TABLE) + len(RAW)} malformed requests, nothing written")

    def test_what_is_no_http(self) -> None:
        host, port = urlsplit(self.node.url).netloc.split(":")
        for name, sent, status in RAW:
            with self.subTest(name), socket.create_connection((host, int(port)), timeout=30) as raw:
                raw.sendall(sent)
                answer = http.client.HTTPResponse(raw)
                answer.begin()
                content = answer.read()
                self.assertEqual(answer.status, status, content)
                self.check_error(answer.status, answer.getheader("content-type"), content, "")

    def test_wrong_creations_do_not_harm_their_neighbours(self) -> None:
        spoiled = [task(context={"a": "\0"}), task(context={"a": 2**64}), task(context=nested(100)), task(name=...), 7, None]
        items = [task(name="nowhere"), *spoiled, task(name="nowhere")]
        self.connection.request("POST", BULK, json.dumps({"tasks": items}), JSON)
        answer = self.connection.getresponse()
        results = json.loads(answer.read())["results"]
        self.assertEqual((answer.status, [row["status"] for row in results]), (200, [404, *[400] * 6, 404]))
        self.assertTrue(all(row["error"]["message"] for row in results))

    def test_wrong_items_do_not_harm_their_neighbours(self) -> None:
        items = [{"step_uuid": UNKNOWN}, {"step_uuid": UNKNOWN, "lease_token": "forged", "success": True}, 7,
                 {"step_uuid": "x", "lease_token": "y", "success": "yes"}]
        self.connection.request("POST", RESULTS, json.dumps({"worker_id": "w", "results": items}), JSON)
        answer = self.connection.getresponse()
        results = json.loads(answer.read())["results"]
        self.assertEqual((answer.status, [row["status"] for row in results]), (200, ["invalid"] * 4))
        self.assertTrue(all(row["message"] for row in results))


if __name__ == "__main__":
    unittest.main()
