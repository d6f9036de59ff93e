"""A PostgreSQL server of a benchmark's own, and psql to talk to it."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile
from typing import Any, Dict, List, Optional

SETTINGS: Dict[str, str] = {
    "listen_addresses": "''",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}


class PrivatePostgres:
    """The server runs inside a with statement, on a directory below `scratch` (default /var/tmp, since what is measured is
    how long a disk takes) that goes away with it. Settings are those of `geartrain bench`'s own server."""

    def __init__(self, scratch: Optional[pathlib.Path] = None) -> None:
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="geartrain-growth-", dir=scratch or "/var/tmp"))
        self.bin = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.user: List[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.directory, "postgres")
            self.user = ["runuser", "-u", "postgres", "--"]
        self.directory.chmod(0o755)

    @property
    def url(self) -> str:
        return f"host={self.directory} port=5432 user=geartrain dbname=postgres"

    def __enter__(self) -> "PrivatePostgres":
        settings = {**SETTINGS, "unix_socket_directories": f"'{self.directory}'", "unix_socket_permissions": "0777"}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        try:
            self._run("initdb", "--auth=trust", "--username=geartrain", "--encoding=UTF8")
            self._run("pg_ctl", "start", "-w", "-l", str(self.directory / "log"), "-o", options)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        try:
            self._run("pg_ctl", "stop", "-w", "-m", "immediate")
        finally:
            self._remove()

    def _run(self, tool: str, *arguments: str) -> None:
        command = [*self.user, str(self.bin / tool), "-D", str(self.directory / "data"), *arguments]
        answer = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
                                cwd=self.directory)
        if answer.returncode != 0:
            raise RuntimeError(f"{tool}: {answer.stderr}")

    def _remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


def psql(url: str, *arguments: str) -> List[str]:
    """Runs psql to its end; the lines that it printed."""
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *arguments, url]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise RuntimeError(f"psql: {answer.stderr}")
    return answer.stdout.splitlines()


class HeldSnapshot:
    """A transaction that sees the database as it was, inside a with statement: nothing that dies meanwhile can go."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.process: Optional["subprocess.Popen[str]"] = None

    def __enter__(self) -> "HeldSnapshot":
        self.process = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", self.url], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 'held';\n")
        self.process.stdin.flush()
        if self.process.stdout.readline().strip() != "held":
            self.__exit__()
            raise RuntimeError("no snapshot")
        return self

    def __exit__(self, *_: Any) -> None:
        assert self.process is not None
        self.process.communicate("ROLLBACK;\n")
