"""Several nodes on one database: started as a cluster if the program knows clusters, else as nodes that know nothing of each other."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
from typing import Any, Dict, List, Optional, Sequence

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from harness import BINARY, LINEAR, MIXED_DAG, Node, template, wait_until  # noqa: E402

from databases import Database  # noqa: E402
from geartrain import ApiError, Client  # noqa: E402
from geartrain.transport import Connection, TransportError  # noqa: E402

PARTITIONS = 256
BEAT_MS, VALID_FOR_MS = 250, 1200  # short, so that a test does not wait long for a take-over
PATIENT = ("--cluster-valid-for-ms", "5000")  # where nobody should be taken for dead, however busy the machine is


@functools.lru_cache(maxsize=None)
def has_cluster_settings() -> bool:
    shown = subprocess.run([BINARY, "--output", "json", "config", "show"], capture_output=True, text=True, check=False)
    return "cluster" in json.loads(shown.stdout or "{}")


@functools.lru_cache(maxsize=None)
def knows_clusters() -> bool:
    """Whether a node of this program says who its cluster is."""
    if not has_cluster_settings():
        return False
    with Database() as database, ClusterNode("probe", database.url) as probe:
        return probe.get("/v1/cluster") is not None


def free_port(host: str = "127.0.0.1") -> int:
    with socket.create_server((host, 0)) as probe:
        return int(probe.getsockname()[1])


class ClusterNode(Node):
    """`geartrain node` with a fixed name and fixed addresses, so that its next life is found where this one was."""

    def __init__(self, name: str, database_url: str, *arguments: str, host: str = "127.0.0.1",
                 advertise: Optional[str] = None, cluster_port: int = 0) -> None:
        super().__init__(*arguments, port=free_port() if host == "127.0.0.1" else 8080, database_url=database_url)
        self.host = host
        self.name = name
        self.frozen = False
        self.cluster_port = cluster_port or free_port()
        if has_cluster_settings():
            listen = f"{host}:{self.cluster_port}"
            self.arguments += ["--cluster-name", name, "--cluster-listen", listen, "--cluster-advertise", advertise or listen,
                               "--cluster-beat-ms", str(BEAT_MS)]
            if PATIENT[0] not in arguments:
                self.arguments += [PATIENT[0], str(VALID_FOR_MS)]

    @property
    def pid(self) -> int:
        return self.process.pid if self.process is not None else 0

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def freeze(self) -> None:
        assert self.process is not None
        self.frozen = True
        self.process.send_signal(signal.SIGSTOP)
        wait_until("all of its threads stand still", self.stands_still, 10)

    def stands_still(self) -> bool:
        """The signal is only sent; a thread on another processor goes on for a moment."""
        assert self.process is not None
        states = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/stat")
        return all(stat.read_text().rpartition(")")[2].split()[0] in "Tt" for stat in states)

    def thaw(self) -> None:
        self.frozen = False
        if self.running():
            os.kill(self.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM, without waiting for the end."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def start_again(self, deadline_seconds: float = 60.0) -> None:
        """Also while the database is away, without which a node does not start."""
        end = time.monotonic() + deadline_seconds

        def attempt() -> bool:
            if self.process is not None:
                self.kill9()
            try:
                self.start(max(1.0, end - time.monotonic()))
                return True
            except AssertionError:
                return False

        wait_until(f"{self.name} starts again", attempt, deadline_seconds)

    # -- what it says ----------------------------------------------------------------------

    def get(self, path: str, timeout: float = 10.0) -> Any:
        """The JSON of an answer; None for anything but 200."""
        connection = Connection(self.url)
        try:
            answer = connection.request("GET", path, timeout=timeout)
            return answer.json() if answer.status == 200 else None
        except TransportError:
            return None
        finally:
            connection.close()

    def metric(self, name: str) -> float:
        """The sum of a metric over all its labels."""
        connection = Connection(self.url)
        try:
            text = connection.request("GET", "/metrics", timeout=10).body.decode()
        finally:
            connection.close()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    def cluster(self) -> Dict[str, Any]:
        return self.get("/v1/cluster") or {}

    def members(self) -> Dict[str, Dict[str, Any]]:
        """What this node says of each that is not gone, by name."""
        return {one["name"]: one for one in self.cluster().get("nodes", []) if one["state"] != "gone"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        with Client(self.url, timeout=30) as client:
            return client._json(method, path, body)


    def poll(self, wait_ms: int = 0, max_steps: int = 1, worker: str = "w", namespace: str = "sys") -> List[Dict[str, Any]]:
        body = {"worker_id": worker, "namespaces": [namespace], "max_steps": max_steps, "wait_ms": wait_ms}
        return self.call("POST", "/v1/workers/poll", body)["steps"]

    def report(self, step: Dict[str, Any], **outcome: Any) -> str:
        """The status of a result; a success unless `outcome` says otherwise."""
        item = {"step_uuid": step["step_uuid"], "lease_token": step["lease_token"], **(outcome or {"success": True, "result": {}})}
        return self.call("POST", "/v1/workers/results", {"worker_id": "w", "results": [item]})["results"][0]["status"]

    def create(self, name: str, context: Optional[Dict[str, Any]] = None, namespace: str = "sys") -> str:
        return self.call("POST", "/v1/tasks", {"namespace": namespace, "name": name, "context": context or {}})["task_uuid"]

    def task(self, task: str, wait_ms: int = 0) -> Dict[str, Any]:
        return self.call("GET", f"/v1/tasks/{task}?wait_ms={wait_ms}")


class Cluster:
    """Inside a with statement: a database and so many nodes named n1, n2 and so on, which see each other."""

    def __init__(self, count: int, *arguments: str) -> None:
        self.database = Database()
        self.count = count
        self.arguments = arguments
        self.nodes: List[ClusterNode] = []

    def __enter__(self) -> "Cluster":
        self.database.__enter__()
        try:
            for number in range(1, self.count + 1):
                self.nodes.append(ClusterNode(f"n{number}", self.database.url, *self.arguments))
                self.nodes[-1].start()
            self.wait_for_balance()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        for node in self.nodes:
            if node.running():
                node.thaw()
                node.terminate()
        for node in self.nodes:
            node.__exit__()
        self.database.__exit__()

    def __getitem__(self, name: str) -> ClusterNode:
        return next(node for node in self.nodes if node.name == name)

    def urls(self) -> List[str]:
        return [node.url for node in self.nodes]

    def alive(self) -> List[ClusterNode]:
        return [node for node in self.nodes if node.running() and not node.frozen]

    def wait_for_balance(self, names: Optional[Sequence[str]] = None, deadline_seconds: float = 20.0) -> float:
        """Until each of these nodes shows exactly them, with links up and all partitions shared; the seconds that took."""
        wanted = set(names or [node.name for node in self.alive()])
        began = time.monotonic()
        wait_until(f"{sorted(wanted)} share all partitions",
                   lambda: all(is_balanced(self[name].members(), wanted) for name in wanted), deadline_seconds)
        return time.monotonic() - began

    def wait_for_rest(self) -> None:
        """Until all partitions are shared and none has moved between two looks, two beats from each other."""
        def shares() -> List[Dict[str, int]]:
            return [{name: one["partitions"] for name, one in node.members().items()} for node in self.alive()]

        def rests() -> bool:
            self.wait_for_balance()
            before = shares()
            threading.Event().wait(2 * BEAT_MS / 1000)
            return all(view == before[0] for view in before + shares())

        wait_until("no partition moves", rests, 60)


def is_balanced(members: Dict[str, Dict[str, Any]], wanted: set) -> bool:
    return (set(members) == wanted and sum(one["partitions"] for one in members.values()) == PARTITIONS
            and all(one["partitions"] > 0 and one["link"] in ("self", "up") for one in members.values()))


class ClusterCase(unittest.TestCase):
    """Cases that share a cluster of three; each leaves it as it was."""

    cluster: Cluster
    arguments: Sequence[str] = ()

    @classmethod
    def setUpClass(cls) -> None:
        if not knows_clusters():
            raise unittest.SkipTest("this program knows nothing of clusters")
        cls.cluster = Cluster(3, *cls.arguments)
        cls.cluster.__enter__()
        cls.addClassCleanup(cls.cluster.__exit__)
        for made in (template("one", {"only": []}), template("linear", LINEAR), template("mixed", MIXED_DAG)):
            cls.cluster.nodes[0].call("POST", "/v1/templates", made)

    def tearDown(self) -> None:
        for node in self.cluster.nodes:
            node.thaw()


def refused_with(call: Any) -> int:
    """The status of the refusal of a call; 0 if it was not refused."""
    try:
        call()
    except ApiError as error:
        return error.status
    return 0
