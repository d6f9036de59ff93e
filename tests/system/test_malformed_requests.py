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


BULK = "/v1/tasks/bulk"
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

TABLES = ("tasks", "task_inputs", "attempts", "identities", "templates", "claims", "refused_reports")


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

    def test_the_table(self) -> None:
        self.assertGreaterEqual(len(TABLE) + len(RAW), 60)
        for row in TABLE:
            with self.subTest(row.name):
                body = row.body if isinstance(row.body, bytes) or row.body is None else json.dumps(row.body)
                self.connection.request(row.method, row.path, body, dict(row.headers))
                answer = self.connection.getresponse()
                content = answer.read()
                self.assertEqual(answer.status, row.status, content)
                self.check_error(answer.status, answer.getheader("content-type"), content, row.code)
                self.assertTrue(answer.getheader("x-request-id"))
                if row.status == 405:
                    self.assertTrue(answer.getheader("allow"))
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
