#!/usr/bin/env python3
"""A cluster on one machine, with a demo load. Called by scripts/cluster, which builds first.

    scripts/cluster_demo.py 3 --kill
"""

from __future__ import annotations

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Callable, Dict, List, Optional

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "sdk" / "python"), str(ROOT / "bench")]

from geartrain import ApiError, Client  # noqa: E402
from private_postgres import PrivatePostgres  # noqa: E402

BINARY = os.environ.get("GEARTRAIN_BIN", str(ROOT / "build" / "release" / "bin" / "geartrain"))

CLIENTS = 4
LOAD_SECONDS = 6.0  # and as long again after a kill
READY_SECONDS = 30.0
END_SECONDS = 40.0
LEASE_MS = 4000  # what a dead node's worker held comes back after so long


class Member:
    """A node and the worker that polls it."""

    def __init__(self, name: str, database_url: str, work: pathlib.Path) -> None:
        self.name = name
        self.url = ""
        self._log = (work / f"{name}.log").open("w")
        self._worker: Optional["subprocess.Popen[bytes]"] = None
        self.node = subprocess.Popen(
            [BINARY, "node", "--migrate", "--database-url", database_url, "--listen", "127.0.0.1:0", "--cluster-listen", "127.0.0.1:0",
             "--cluster-name", name, "--lease-ms", str(LEASE_MS), "--templates", str(ROOT / "config" / "templates")],
            stdout=subprocess.PIPE, stderr=self._log, text=True)

    def wait_until_ready(self) -> None:
        line: List[str] = []
        assert self.node.stdout is not None
        reader = threading.Thread(target=lambda out: line.append(out.readline()), args=(self.node.stdout,), daemon=True)
        reader.start()
        reader.join(READY_SECONDS)
        if not line or not line[0].startswith("geartrain ready "):
            raise SystemExit(f"cluster: {self.name} was not ready within {READY_SECONDS:g} s")
        self.url = line[0].split()[2]

    def start_worker(self, namespaces: str) -> None:
        handlers = sorted((ROOT / "sdk" / "python" / "examples").glob("*.py"))
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "geartrain.worker", "--url", self.url, "--namespace", namespaces, "--concurrency", "4",
             *map(str, handlers)], stdout=self._log, stderr=self._log, env={**os.environ, "PYTHONPATH": str(ROOT / "sdk" / "python")})

    def stop(self) -> bool:
        """True if all ended as it should."""
        well = True
        for process, seconds in ((self._worker, 10), (self.node, 30)):
            if process is None or process.poll() is not None:
                continue
            process.terminate()
            try:
                # A worker whose node is dead has nobody to tell its results, and says so by how it ends.
                well = process.wait(seconds) == 0 or process is self._worker
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                well = well and process is self._worker
        if self.node.stdout is not None:
            self.node.stdout.close()
        self._log.close()
        return well


class Load:
    """Clients that order through one node after the other. An order that was accepted must be completed."""

    def __init__(self, urls: List[str]) -> None:
        self._urls = urls
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self.accepted: List[str] = []
        self.failed: List[str] = []
        self.longest_pause = 0.0  # from the wish for an order until it is accepted
        self.slowest_order = 0.0
        self._threads = [threading.Thread(target=self._order, args=(number,)) for number in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(END_SECONDS + 10)

    def _order(self, number: int) -> None:
        clients = [Client(url, timeout=5) for url in self._urls]
        count = 0
        while not self._stopping.is_set():
            count += 1
            began = time.monotonic()
            task = self._anywhere(clients, count, lambda client: create(client, f"A-{number}-{count}"))
            pause = time.monotonic() - began
            ended = self._anywhere(clients, count, lambda client: over(client, task)) if task else None
            took = time.monotonic() - began
            with self._lock:
                self.longest_pause = max(self.longest_pause, pause)
                self.slowest_order = max(self.slowest_order, took)
                if task:
                    self.accepted.append(task)
                if ended != "complete":
                    self.failed.append(f"order A-{number}-{count}: {ended or 'not over'}")
        for client in clients:
            client.close()

    def _anywhere(self, clients: List[Client], first: int, call: Callable[[Client], Optional[str]]) -> Optional[str]:
        """The first answer of any node, asked one after the other."""
        deadline = time.monotonic() + END_SECONDS
        turn = first
        while time.monotonic() < deadline:
            try:
                if answer := call(clients[turn % len(clients)]):
                    return answer
            except ApiError as error:
                if error.status == 409:
                    return str(error.details[0]["task_uuid"])  # an earlier try came through
                if 400 <= error.status < 500:
                    raise
                threading.Event().wait(0.02)
            turn += 1
        return None


def create(client: Client, order: str) -> str:
    context: Dict[str, Any] = {
        "order_id": order, "customer": {"name": "Ada", "email": "ada@example.com"},
        "items": [{"sku": "MUG-01", "quantity": 2}, {"sku": "CAP-02", "quantity": 1}], "payment": {"token": "tok_visa"},
    }
    return str(client.create_task("shop", "order_fulfillment", context, idempotency_key=order, reason="demo")["task_uuid"])


def over(client: Client, task: str) -> Optional[str]:
    status = client.get_task(task, wait=1.0)["status"]
    return status if status in ("complete", "error", "cancelled", "resolved_manually") else None


def show_status(url: str) -> None:
    subprocess.run([BINARY, "--url", url, "cluster", "status"], check=True)
    print(flush=True)


def wait_for(what: str, condition: Callable[[], bool], seconds: float) -> float:
    began = time.monotonic()
    nothing = threading.Event()
    while not condition():
        if time.monotonic() - began > seconds:
            raise SystemExit(f"cluster: not within {seconds:g} s: {what}")
        nothing.wait(0.05)
    return time.monotonic() - began


def shared_by(url: str, count: int) -> bool:
    """True when so many nodes own all partitions among them."""
    with Client(url, timeout=5) as client:
        shown = client._json("GET", "/v1/cluster")
    owners = [one for one in shown["nodes"] if one["state"] == "active" and one["partitions"] > 0]
    return len(owners) == count and sum(one["partitions"] for one in owners) == shown["partitions"]["total"]


def namespaces_of(folder: pathlib.Path) -> str:
    lines = [line for file in sorted(folder.glob("*.yaml")) for line in file.read_text().splitlines()]
    return ",".join(sorted({line.split(":", 1)[1].strip() for line in lines if line.startswith("namespace_name:")}))


def demo(members: List[Member], kill: bool) -> bool:
    for member in members:
        member.wait_until_ready()
        member.start_worker(namespaces_of(ROOT / "config" / "templates"))
    watching = members[0].url
    seconds = wait_for("the nodes share all partitions", lambda: shared_by(watching, len(members)), 20)
    print(f"cluster: {len(members)} nodes share all partitions after {seconds:.1f} s\n", flush=True)
    load = Load([member.url for member in members])
    load.start()
    try:
        threading.Event().wait(LOAD_SECONDS)
        show_status(watching)
        if kill:
            victim = members[-1]
            print(f"cluster: kill -9 of {victim.name}", flush=True)
            victim.node.kill()
            victim.node.wait()
            seconds = wait_for("the others own everything", lambda: shared_by(watching, len(members) - 1), 20)
            print(f"cluster: the others own everything after {seconds:.1f} s\n", flush=True)
            threading.Event().wait(LOAD_SECONDS)
            show_status(watching)
    finally:
        load.stop()
    print(f"cluster: {len(load.accepted)} orders accepted, {len(load.accepted) - len(load.failed)} completed, {len(load.failed)} failed")
    print(f"cluster: longest pause that a client saw: {load.longest_pause:.2f} s; slowest order: {load.slowest_order:.2f} s")
    for failure in load.failed[:10]:
        print(f"cluster: {failure}", file=sys.stderr)
    return bool(load.accepted) and not load.failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nodes", nargs="?", type=int, default=3)
    parser.add_argument("--kill", action="store_true", help="kill -9 one node under load")
    options = parser.parse_args()
    if options.nodes < (2 if options.kill else 1):
        parser.error("a node that is killed needs another one")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left behind
    work = pathlib.Path(tempfile.mkdtemp(prefix="geartrain-cluster-"))
    members: List[Member] = []
    well = False
    try:
        with PrivatePostgres() as postgres:
            try:
                for number in range(1, options.nodes + 1):
                    members.append(Member(f"node-{number}", postgres.url, work))
                well = demo(members, options.kill)
            finally:
                stopped = [member.stop() for member in members]
        well = well and all(stopped)
    finally:
        if not well:
            for log in sorted(work.glob("*.log")):
                print(f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-20:], sep="\n", file=sys.stderr)
            print("cluster: failed", file=sys.stderr)
        shutil.rmtree(work, ignore_errors=True)
    if well:
        print("cluster: done, everything is stopped")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
