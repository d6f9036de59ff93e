"""PostgreSQL for the tests of clusters: a server of their own, if wanted with a synchronous standby that can take its place."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
from typing import Any, Dict, List, Optional

from harness import wait_until

# The machine itself does not crash here, and what the kernel was given outlives a server that is killed.
SETTINGS: Dict[str, str] = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0777",
    "fsync": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "min_wal_size": "32MB",
    "max_wal_size": "128MB",
    "wal_level": "replica",
    "hot_standby": "on",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


class Server:
    """One PostgreSQL. It is reached through the Unix socket in its directory only."""

    def __init__(self, directory: pathlib.Path, data: Optional[pathlib.Path] = None) -> None:
        self.directory = directory
        self.data = data or directory / "pg"
        self.log = directory / "log"
        self.bin = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.user: List[str] = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # it refuses to run as root
        for place in {directory, self.data.parent}:
            place.mkdir(exist_ok=True)
            place.chmod(0o755)
            if self.user:
                shutil.chown(place, "postgres")

    @property
    def socket(self) -> str:
        return str(self.directory / ".s.PGSQL.5432")

    @property
    def url(self) -> str:
        return f"host={self.directory} port=5432 user=geartrain dbname=postgres"

    def run(self, tool: str, *arguments: str, check: bool = True) -> int:
        answer = subprocess.run([*self.user, str(self.bin / tool), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                text=True, check=False, cwd=self.directory, timeout=120)
        if check and answer.returncode != 0:
            raise AssertionError(f"{tool}: {answer.stderr}")
        return answer.returncode

    def _control(self, *arguments: str, check: bool = True) -> int:
        return self.run("pg_ctl", "-D", str(self.data), *arguments, check=check)

    def _options(self) -> str:
        settings = {**SETTINGS, "unix_socket_directories": f"'{self.directory}'"}
        return " ".join(f"-c {name}={value}" for name, value in settings.items())

    def init(self) -> None:
        self.run("initdb", "-D", str(self.data), "--auth=trust", "--username=geartrain", "--encoding=UTF8", "--no-sync")

    def copy_of(self, primary: "Server") -> None:
        """Makes this a standby of a running server."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.run("pg_basebackup", "-D", str(self.data), "-R", "-X", "stream", "--checkpoint=fast", "--no-sync", "-d",
                 f"host={primary.directory} port=5432 user=geartrain application_name=standby")

    def start(self) -> None:
        self._control("start", "-w", "-l", str(self.log), "-o", self._options())

    def stop(self, mode: str = "immediate") -> None:
        if self.running():
            self._control("stop", "-w", "-m", mode, check=False)

    def restart(self, mode: str) -> None:
        self.stop(mode)
        self.start()

    def running(self) -> bool:
        return self._control("status", check=False) == 0

    def promote(self) -> None:
        self._control("promote", "-w")

    def kill(self) -> None:
        """The postmaster dies without a chance to say anything; its children follow it."""
        process = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(process, signal.SIGKILL)
        self.stop()

    def sql(self, statement: str) -> List[List[str]]:
        answer = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-R", "\x1e", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url],
            capture_output=True, text=True, check=False, timeout=120)
        if answer.returncode != 0:
            raise AssertionError(f"psql: {answer.stderr}")
        return [row.split("\x1f") for row in answer.stdout.rstrip("\n").split("\x1e") if row]

    def answers(self) -> bool:
        try:
            return self.sql("SELECT 1") == [["1"]]
        except (AssertionError, subprocess.TimeoutExpired):
            return False


class Database:
    """Inside a with statement: a server, and a standby if asked for. `data` is where the first server keeps its files."""

    def __init__(self, *, standby: bool = False, data: Optional[pathlib.Path] = None) -> None:
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="geartrain-pg-"))
        self.directory.chmod(0o755)
        self.primary = Server(self.directory / "a", data)
        self.standby: Optional[Server] = None
        self._with_standby = standby

    def __enter__(self) -> "Database":
        try:
            self.primary.init()
            self.primary.start()
            if self._with_standby:
                self.add_standby()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        for server in (self.standby, self.primary):
            if server is not None:
                server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def url(self) -> str:
        return self.primary.url

    def sql(self, statement: str) -> List[List[str]]:
        return self.primary.sql(statement)

    def add_standby(self) -> None:
        """From here on a commit is answered when the standby has it too."""
        other = Server(self.directory / ("b" if self.primary.directory.name == "a" else "a"))
        other.copy_of(self.primary)
        # A copy carries the settings of its origin, and must not wait for a standby before it has one.
        other.start()
        self.standby = other
        self.primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        self.primary.sql("SELECT pg_reload_conf()")
        self.wait_for_standby()

    def wait_for_standby(self) -> None:
        """Until the standby has everything that the primary has now. After a restart of the primary, commits that nobody was
        told about are there and visible; a fail-over before the standby has them would take back what clients have seen."""
        if self.standby is None:
            return
        now = self.primary.sql("SELECT pg_current_wal_flush_lsn()")[0][0]
        question = ("SELECT count(*) FROM pg_stat_replication WHERE application_name = 'standby' AND state = 'streaming' "
                    f"AND sync_state = 'sync' AND flush_lsn >= '{now}'")
        wait_until("the standby has caught up", lambda: self.primary.sql(question) == [["1"]], 60)

    def restart(self, mode: str = "immediate") -> None:
        self.primary.restart(mode)
        self.wait_for_standby()

    def fail_over(self) -> Server:
        """The primary dies and the standby takes its place. The new primary; it has no standby until `add_standby`."""
        assert self.standby is not None
        old, self.primary, self.standby = self.primary, self.standby, None
        old.kill()
        self.primary.promote()
        self.primary.sql("ALTER SYSTEM RESET synchronous_standby_names")
        self.primary.sql("SELECT pg_reload_conf()")
        return self.primary
