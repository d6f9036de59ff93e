"""Real processes for the system tests: nodes with their own PostgreSQL, workers, a ledger, and waiting on conditions."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Sequence, TypeVar

ROOT = pathlib.Path(__file__).resolve().parents[2]
SDK = ROOT / "sdk" / "python"
sys.path.insert(0, str(SDK))

from geartrain import Client  # noqa: E402

BINARY = os.environ.get("GEARTRAIN_BIN", str(ROOT / "build" / "release" / "bin" / "geartrain"))

T = TypeVar("T")


def wait_until(what: str, condition: Callable[[], T], deadline_seconds: float = 60.0, interval: float = 0.05) -> T:
    """The first true value of `condition`; an assertion error when the deadline passes."""
    nothing = threading.Event()
    end = time.monotonic() + deadline_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_seconds} s: {what}")
        nothing.wait(interval)


class Node:
    """`geartrain dev` on a data directory that outlives the process, so that it can be killed and started again."""

    def __init__(self, *arguments: str, templates: Optional[pathlib.Path] = None, port: int = 0,
                 database_url: Optional[str] = None) -> None:
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="geartrain-"))
        self.directory.chmod(0o755)  # PostgreSQL may run as another user and must be able to enter
        self.arguments = list(arguments)
        self.templates = templates or self.directory / "no-templates"
        self.templates.mkdir(parents=True, exist_ok=True)
        self.port = port
        self.database_url = database_url  # of a server that is not the node's own
        self.host = "127.0.0.1"
        self.prefix: List[str] = []  # a command that runs the node as its own process
        self.environment: Dict[str, str] = {}
        self.url = ""
        self.process: Optional[subprocess.Popen[str]] = None
        self.log = self.directory / "node.log"

    # -- life ----------------------------------------------------------------------

    def start(self, deadline_seconds: float = 90.0) -> "Node":
        command = [*self.prefix, BINARY, *self._mode(), "--listen", f"{self.host}:{self.port}", *self.arguments]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True,
                                            env={**os.environ, **self.environment})
        line: List[str] = []
        assert self.process.stdout is not None
        reader = threading.Thread(target=lambda out: line.append(out.readline()), args=(self.process.stdout,), daemon=True)
        reader.start()
        reader.join(deadline_seconds)
        ready = re.match(r"geartrain ready (http://\S+)", line[0] if line else "")
        if not ready:
            raise AssertionError(f"the node did not get ready: {line!r}\n{self.tail()}")
        self.url = ready.group(1)
        self.port = int(self.url.rsplit(":", 1)[1])  # the next start serves at the same place
        return self

    def _mode(self) -> List[str]:
        if self.database_url:
            return ["node", "--migrate", "--database-url", self.database_url]
        return ["dev", "--data-dir", str(self.directory / "data"), "--templates", str(self.templates)]

    def kill9(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._close()

    def stop(self, deadline_seconds: float = 60.0) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(deadline_seconds)
        self._close()
        return code

    def _close(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None

    def __enter__(self) -> "Node":
        return self.start()

    def __exit__(self, *_: Any) -> None:
        if self.process is not None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill9()
        self.remove()

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    # -- looking inside --------------------------------------------------------------

    def client(self, timeout: float = 60.0) -> Client:
        return Client(self.url, timeout=timeout)

    def database(self) -> Dict[str, Any]:
        with self.client() as client:
            return client.telemetry("database")

    def round_trips(self) -> Dict[str, int]:
        return {row["name"]: row["round_trips"] for row in self.database()["operations"]}

    @property
    def postgres_log(self) -> pathlib.Path:
        return self.directory / "data" / "postgres.log"

    def sql(self, statement: str) -> List[List[str]]:
        """Runs SQL as the server's superuser; rows of text."""
        answer = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", statement, self.dsn()],
            capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise AssertionError(f"psql: {answer.stderr}")
        return [line.split("\t") for line in answer.stdout.splitlines() if line]

    def dsn(self) -> str:
        if self.database_url:
            return self.database_url
        lines = (self.directory / "data" / "pg" / "postmaster.pid").read_text().splitlines()
        return f"host={lines[4]} port={lines[3]} user=geartrain dbname=postgres"

    def program(self, words: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of the program that works on the database itself; what it prints is JSON."""
        return subprocess.run([BINARY, "--output", "json", *words.split()], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "GEARTRAIN_DATABASE_URL": self.dsn()}, check=False)

    def postmaster(self) -> int:
        return int((self.directory / "data" / "pg" / "postmaster.pid").read_text().splitlines()[0])

    def count_statements(self) -> None:
        """From now on the server's log names every executed statement with its transaction."""
        for setting in ("log_min_messages = 'log'", "log_line_prefix = '@%v@%a@ '", "log_statement = 'all'"):
            self.sql(f"ALTER SYSTEM SET {setting}")
        self.sql("SELECT pg_reload_conf()")

    def executed(self, since: int = 0) -> List[Dict[str, str]]:
        """Every logged execution of a prepared statement: its name and the transaction it ran in."""
        text = self.postgres_log.read_text(errors="replace")[since:]
        found = re.findall(r"^@([^@]*)@([^@]*)@ LOG:  execute ([a-z_]+)[:/]", text, re.MULTILINE)
        return [{"transaction": v, "application": a, "statement": s} for v, a, s in found]


class Postgres:
    """A server of the test's own, which it can restart as it likes."""

    def __init__(self) -> None:
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="geartrain-pg-"))
        self.bin = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.user: List[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.directory, "postgres")
            self.user = ["runuser", "-u", "postgres", "--"]
        self.directory.chmod(0o755)

    def _run(self, tool: str, *arguments: str) -> None:
        command = [*self.user, str(self.bin / tool), "-D", str(self.directory / "pg"), *arguments]
        answer = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
                                cwd=self.directory)
        if answer.returncode != 0:
            raise AssertionError(f"{tool}: {answer.stderr}")

    def __enter__(self) -> "Postgres":
        self._run("initdb", "--auth=trust", "--username=geartrain", "--encoding=UTF8")
        self._run("pg_ctl", "start", "-w", "-l", str(self.directory / "log"), "-o",
                  f"-c listen_addresses='' -c unix_socket_directories='{self.directory}' -c unix_socket_permissions=0777")
        return self

    def __exit__(self, *_: Any) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def restart(self, mode: str) -> None:
        self._run("pg_ctl", "restart", "-w", "-m", mode, "-l", str(self.directory / "log"))

    @property
    def url(self) -> str:
        return f"host={self.directory} port=5432 user=geartrain dbname=postgres"


class WorkerProcess:
    """`python -m geartrain.worker` over one file of handlers."""

    def __init__(self, node: Node, namespace: str, handlers: pathlib.Path, *arguments: str,
                 environment: Optional[Dict[str, str]] = None) -> None:
        self.log = node.directory / f"worker-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "geartrain.worker", "--url", node.url, "--namespace", namespace, *arguments,
                   str(handlers)]
        env = {**os.environ, "PYTHONPATH": str(SDK), "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=env)

    def kill9(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, deadline_seconds: float = 60.0) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(deadline_seconds)

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *_: Any) -> None:
        if self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill9()


def template(name: str, steps: Dict[str, Sequence[str]], namespace: str = "sys", **step_keys: Any) -> Dict[str, Any]:
    """A template whose every step is run by one handler, `sys.step`."""
    return {
        "name": name, "namespace_name": namespace, "version": "1.0.0", "identity_strategy": "always_unique",
        "steps": [{"name": step, "dependencies": list(parents), "handler": {"callable": "sys.step"}, **step_keys}
                  for step, parents in steps.items()],
    }


LINEAR = {"s1": [], "s2": ["s1"], "s3": ["s2"], "s4": ["s3"]}
MIXED_DAG = {"init": [], "left": ["init"], "right": ["init"], "validate": ["left", "right"], "transform": ["left"],
             "analyze": ["right"], "finalize": ["validate", "transform", "analyze"]}

# What a node asks its database by itself from time to time, whatever its users do: beats, foreign templates, lost and overdue tasks,
# pauses, the inbox, steps held for long.
BACKGROUND_OPERATIONS = {"beat", "fetch_templates", "open_tasks", "overdue_tasks", "read_pauses", "read_inbox", "sync_claims"}

FINAL = ("complete", "error", "cancelled", "resolved_manually")


def read_ledger(path: pathlib.Path) -> List[Dict[str, Any]]:
    """What the handlers wrote down themselves, outside of node and database."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
