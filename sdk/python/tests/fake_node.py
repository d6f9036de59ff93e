"""A node in this process that keeps the worker contract, with switches to make it fail."""

from __future__ import annotations

import datetime
import http.server
import json
import select
import socket
import threading
import time
import urllib.parse
from typing import Any, Callable, Dict, List, Optional, Tuple

DEADLINE = 20.0
FINAL = ("complete", "error", "cancelled", "resolved_manually")


class FakeNode:
    """Steps go in by `offer`; what workers say about them is in `settled`. All state is guarded by `changed`."""

    def __init__(self, lease_seconds: float = 30.0) -> None:
        self.changed = threading.Condition()
        self.lease_seconds = lease_seconds
        self.ready: List[Dict[str, Any]] = []
        self.held: Dict[str, str] = {}  # step -> current token
        self.settled: Dict[str, Dict[str, Any]] = {}  # token -> the item that was accepted
        self.requests: List[Tuple[str, Dict[str, Any]]] = []
        self.connections = 0
        self.waiting = 0
        self.heartbeat_status = "extended"
        self.verdicts: List[str] = []  # statuses to answer instead of judging, one per result
        self.failures: List[Tuple[int, Dict[str, str]]] = []  # answers to give instead of serving
        self.lose_answers = 0  # exchanges that are applied but whose answer never arrives
        self.routes: Dict[Tuple[str, str], Tuple[int, Any]] = {}  # (method, target) -> answer
        self.tasks: Dict[str, Dict[str, Any]] = {}  # as GET /v1/tasks/{uuid} shows them; change them by `tell`
        self.keys: Dict[Optional[str], str] = {}  # idempotency key -> task
        self.patient = True  # False: like a node that is going down, it answers at once
        self._numbers = iter(range(1, 1_000_000))
        self._server: Optional[_Server] = None
        self.port = 0
        self.start()

    # -- for tests -------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def offer(self, callable_name: str, context: Optional[Dict[str, Any]] = None, **fields: Any) -> str:
        """Makes a step ready; returns its id."""
        number = next(self._numbers)
        step = {
            "step_uuid": f"00000000-0000-7000-8000-{number:012d}",
            "task_uuid": "00000000-0000-7000-8000-000000000000",
            "name": f"step_{number}",
            "template_step_name": f"step_{number}",
            "namespace": "test",
            "template_name": "t",
            "template_version": "1.0.0",
            "handler": {"callable": callable_name, "method": "call", "initialization": {}},
            "attempt": 1,
            "max_attempts": 3,
            "timeout_seconds": None,
            "correlation_id": "c-1",
            "parent_correlation_id": None,
            "traceparent": "00-aa-bb-01",
            "task": {"context": context or {}, "priority": 0, "tags": []},
            "inputs": {},
            "checkpoint": None,
            "dependency_results": {},
            "previous_error": None,
            **fields,
        }
        with self.changed:
            self.ready.append(step)
            self.changed.notify_all()
        return str(step["step_uuid"])

    def tell(self, task_uuid: str, **fields: Any) -> None:
        """Makes a task be, or be otherwise; who waits for its end hears of it."""
        with self.changed:
            self.tasks.setdefault(task_uuid, {"task_uuid": task_uuid, "status": "pending"}).update(fields)
            self.changed.notify_all()

    def wait_for(self, condition: Callable[[], Any], what: str = "condition") -> Any:
        """The first true value of `condition`, evaluated under the lock after each change."""
        with self.changed:
            value = self.changed.wait_for(condition, DEADLINE)
        if not value:
            raise AssertionError(f"{what} did not come true in {DEADLINE} s")
        return value

    def results_of(self, step_uuid: str) -> List[Dict[str, Any]]:
        """The accepted items of a step."""
        with self.changed:
            return [item for item in self.settled.values() if item["step_uuid"] == step_uuid]

    def wait_for_result(self, step_uuid: str) -> Dict[str, Any]:
        return self.wait_for(lambda: self.results_of(step_uuid), f"result of {step_uuid}")[0]

    def count(self, path: str) -> int:
        with self.changed:
            return sum(1 for seen, _ in self.requests if seen == path)

    def start(self) -> None:
        """Listens, on the port of the last time if there was one."""
        self._server = _Server(("127.0.0.1", self.port), self)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def kill(self) -> None:
        """Stops listening and cuts every connection, as the end of the process would. State stays."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.shutdown()
        server.server_close()
        server.cut()
        with self.changed:
            self.changed.notify_all()

    # -- the contract ----------------------------------------------------------

    def poll(self, body: Dict[str, Any], gone: Callable[[], bool], cut: Callable[[], bool]) -> Optional[Dict[str, Any]]:
        """None when the client went away meanwhile, or `kill` cut it off; then it got no step."""
        with self.changed:
            results = [self._judge(item) for item in body.get("results", [])]
            until = time.monotonic() + body.get("wait_ms", 0) / 1000
            self.waiting += 1
            self.changed.notify_all()
            try:
                while not cut():
                    step = self._take(body.get("handlers"))
                    if step is not None or time.monotonic() >= until:
                        return {"steps": [] if step is None else [step], "results": results}
                    if gone():
                        return None
                    self.changed.wait(0.01)
                return None
            finally:
                self.waiting -= 1

    def task(self, task_uuid: str, wait_ms: int, gone: Callable[[], bool]) -> Optional[Dict[str, Any]]:
        """None when the client went away meanwhile."""
        with self.changed:
            until = time.monotonic() + (wait_ms / 1000 if self.patient else 0)
            self.waiting += 1
            self.changed.notify_all()
            try:
                while not gone():
                    task = dict(self.tasks[task_uuid])
                    if task["status"] in FINAL or time.monotonic() >= until:
                        return task
                    self.changed.wait(0.01)
                return None
            finally:
                self.waiting -= 1

    def create_all(self, body: Dict[str, Any]) -> Tuple[int, Any]:
        """Every creation succeeds, but for those without a name and those whose key was there before."""
        if not 1 <= len(body["tasks"]) <= 1000:
            return 400, {"error": {"code": "BAD_REQUEST", "message": "tasks must have 1 to 1000 elements"}}
        results: List[Dict[str, Any]] = []
        with self.changed:
            for asked in body["tasks"]:
                holder = self.keys.get(asked.get("idempotency_key"))
                if not asked.get("name"):
                    results.append({"status": 400, "error": {"code": "BAD_REQUEST", "message": "name is required"}})
                elif holder:
                    error = {"code": "CONFLICT", "message": "exists", "details": [{"task_uuid": holder}]}
                    results.append({"status": 409, "error": error})
                else:
                    task = f"00000000-0000-7000-8000-{next(self._numbers):012d}"
                    self.tell(task)
                    if "idempotency_key" in asked:
                        self.keys[asked["idempotency_key"]] = task
                    results.append({"status": 201, "task_uuid": task, "correlation_id": "c-1"})
        created = sum(1 for result in results if result["status"] == 201)
        return 200, {"results": results, "created": created, "failed": len(results) - created}

    def _take(self, handlers: Optional[List[str]]) -> Optional[Dict[str, Any]]:
        for step in self.ready:
            if handlers is None or step["handler"]["callable"] in handlers:
                self.ready.remove(step)
                token = f"lease-{next(self._numbers)}"
                self.held[step["step_uuid"]] = token
                return {**step, "lease_token": token, "lease_expires_at": self._expiry()}
        return None

    def _expiry(self) -> str:
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.lease_seconds)
        return end.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _judge(self, item: Dict[str, Any]) -> Dict[str, Any]:
        step, token = item["step_uuid"], item["lease_token"]
        if self.verdicts:
            status = self.verdicts.pop(0)
        elif token in self.settled:
            status = "duplicate"
        elif self.held.get(step) == token:
            status = "accepted"
        else:
            status = "stale"
        if status == "accepted":
            self.settled[token] = item
            self.held.pop(step, None)
        return {"step_uuid": step, "status": status, "message": "as told"}

    def results(self, body: Dict[str, Any]) -> Dict[str, Any]:
        with self.changed:
            return {"results": [self._judge(item) for item in body["results"]]}

    def heartbeat(self, body: Dict[str, Any]) -> Dict[str, Any]:
        with self.changed:
            return {
                "leases": [
                    {"step_uuid": lease["step_uuid"], "status": self.heartbeat_status, "lease_expires_at": self._expiry()}
                    for lease in body["leases"]
                ]
            }


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: Tuple[str, int], node: FakeNode) -> None:
        self.node = node
        self.open: List[socket.socket] = []
        self.is_cut = False
        super().__init__(address, _Handler)

    def cut(self) -> None:
        with self.node.changed:
            self.is_cut = True
            sockets = list(self.open)
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # cut connections are part of the tests


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        with self.server.node.changed:
            self.server.node.connections += 1
            self.server.open.append(self.connection)

    def finish(self) -> None:
        with self.server.node.changed:
            self.server.open.remove(self.connection)
        super().finish()

    def log_message(self, *_: Any) -> None:
        pass

    def _serve(self) -> None:
        node = self.server.node
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        is_json = (self.headers.get("content-type") or "").startswith("application/json")
        body = json.loads(raw) if raw and is_json else raw.decode("utf-8")
        with node.changed:
            node.requests.append((self.path, body))
            failure = node.failures.pop(0) if node.failures else None
            node.changed.notify_all()
        if failure is not None:
            self._answer(failure[0], {"error": {"code": "FAKE", "message": "as told"}}, failure[1])
            return
        answer = self._routed(node, body)
        with node.changed:
            lost = node.lose_answers > 0 and answer is not None
            node.lose_answers -= lost
            node.changed.notify_all()
        if answer is None or lost:
            self.close_connection = True
            return
        self._answer(*answer)

    def _routed(self, node: FakeNode, body: Any) -> Optional[Tuple[int, Any]]:
        if self.path == "/v1/workers/poll":
            answer = node.poll(body, self._gone, lambda: self.server.is_cut)
            return None if answer is None else (200, answer)
        if self.path == "/v1/workers/results":
            return 200, node.results(body)
        if self.path == "/v1/workers/heartbeat":
            return 200, node.heartbeat(body)
        if (self.command, self.path) == ("POST", "/v1/tasks/bulk"):
            return node.create_all(body)
        path, _, query = self.path.partition("?")
        task = path.rpartition("/v1/tasks/")[2]
        if self.command == "GET" and task in node.tasks:
            answer = node.task(task, int(dict(urllib.parse.parse_qsl(query)).get("wait_ms", 0)), self._gone)
            return None if answer is None else (200, answer)
        known = node.routes.get((self.command, self.path))
        return known or (404, {"error": {"code": "NOT_FOUND", "message": "Resource not found"}})

    do_GET = do_POST = do_PATCH = do_DELETE = _serve

    def _gone(self) -> bool:
        if not select.select([self.connection], [], [], 0)[0]:
            return False
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _answer(self, status: int, body: Any, headers: Optional[Dict[str, str]] = None) -> None:
        text = json.dumps(body).encode("utf-8")
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
