"""What a fault run is about: a database, nodes and workers, and the proxies between them."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import threading
from typing import Any, Dict, List, Optional

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("cluster", "system"):
    sys.path.append(str(HERE.parent / folder))

from databases import Database  # noqa: E402
from harness import wait_until  # noqa: E402
from nodes import ClusterNode, free_port, knows_clusters  # noqa: E402
from tcp_proxy import Cut, Proxy, caller_by_process  # noqa: E402

from means import SmallDisk, SteppedClock, build_clock_library, can_be_loaded  # noqa: E402
from namespaces import Host, Hosts  # noqa: E402
from schedule import REPORT_FAULTS  # noqa: E402

WORKERS = 3
LAST_WORDS_SECONDS = 30.0


class Member:
    """A node with what stands between it and the others: a proxy to the database of its own, and one that its peers come through."""

    def __init__(self, name: str, subject: "Subject", host: Optional[Host]) -> None:
        self.name = name
        self.host = host
        address, gateway = (host.address, host.gateway) if host else ("127.0.0.1", "127.0.0.1")
        self.to_database = Proxy(subject.database.primary.socket, host=gateway)
        port = 9000 if host else free_port()
        # In a network of its own it is reached directly: there the network itself is cut.
        self.from_peers = None if host else Proxy((address, port), caller_of=caller_by_process(subject.pids))
        url = f"host={gateway} port={self.to_database.port} user=geartrain dbname=postgres sslmode=disable gssencmode=disable"
        self.node = ClusterNode(name, url, "--lease-ms", str(subject.lease_ms), "--database-unit-deadline-ms", "4000",
                                host=address, cluster_port=port, advertise=self.from_peers.address if self.from_peers else None)
        if host:
            self.node.prefix = host.prefix
        self.clock: Optional[SteppedClock] = None
        if subject.clock_library is not None:
            self.clock = SteppedClock(subject.clock_library, self.node.directory / "clock")
            self.node.environment = self.clock.environment

    def close(self) -> None:
        self.to_database.close()
        if self.from_peers is not None:
            self.from_peers.close()
        self.node.remove()


class Workers:
    """Processes of fault_worker.py, each under a name; a new life has a new ledger."""

    def __init__(self, directory: pathlib.Path, seed: int, lease_ms: int, arguments: List[str]) -> None:
        self._directory, self._seed, self._lease_ms, self._arguments = directory, seed, lease_ms, arguments
        self._urls: List[str] = []
        self._lives: Dict[str, int] = {}
        self.processes: Dict[str, "subprocess.Popen[bytes]"] = {}

    def start(self, names: List[str], urls: List[str]) -> None:
        self._urls = urls
        for name in names:
            self.start_one(name)

    def start_one(self, name: str) -> None:
        self._lives[name] = self._lives.get(name, 0) + 1
        life = f"{name}.{self._lives[name]}"
        with (self._directory / f"{life}.log").open("w") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, str(HERE / "fault_worker.py"), "--urls", ",".join(self._urls), "--name", life, "--seed",
                 str(self._seed), "--ledger", str(self._directory / f"{life}.ledger"), "--lease-ms", str(self._lease_ms),
                 *self._arguments], stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self) -> List[str]:
        """Those that did not end as they should."""
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(LAST_WORDS_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        wrong = [f"worker {name} ended with {one.returncode}" for name, one in self.processes.items() if one.returncode]
        self.processes = {}
        return wrong


class Subject:
    """Inside a with statement: all of it, running."""

    def __init__(self, directory: pathlib.Path, seed: int, count: int, kinds: List[str], lease_ms: int, namespaces: bool) -> None:
        self.directory = directory
        self.lease_ms = lease_ms
        self.notices: List[str] = []
        self.disk: Optional[SmallDisk] = None
        self.clock_library: Optional[pathlib.Path] = None
        self.kinds = list(kinds)
        self._count, self._seed, self._wants_namespaces = count, seed, namespaces
        self.hosts: Optional[Hosts] = None
        self.members: Dict[str, Member] = {}
        self.database: Database
        silent = [argument for what in REPORT_FAULTS if what not in kinds for argument in (f"--{what}", "0")]
        self.workers = Workers(directory, seed, lease_ms, silent)
        self._closing: List[Any] = []
        self._cuts: List[Any] = []
        self._lock = threading.Lock()

    def __enter__(self) -> "Subject":
        try:
            self._prepare_means()
            self.database = Database(standby="failover" in self.kinds, data=self.disk.place / "pg" if self.disk else None)
            self.database.__enter__()
            self._closing.append(self.database.__exit__)
            hosts = [None] * self._count
            if self._wants_namespaces:
                self.hosts = Hosts(self._count).__enter__()
                self._closing.append(self.hosts.__exit__)
                hosts = list(self.hosts.hosts)
            for number in range(1, self._count + 1):
                member = Member(f"n{number}", self, hosts[number - 1])
                self.members[member.name] = member
                self._closing.append(member.close)
                member.node.start()
            if self.clustered:
                wait_until("the nodes see each other", self.is_whole, 30)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        self.workers.stop()
        for member in self.members.values():
            member.node.thaw()
            if member.node.running():
                member.node.kill9()
        while self._closing:
            self._closing.pop()()

    def _prepare_means(self) -> None:
        if "disk_full" in self.kinds:
            self.disk = SmallDisk.mount(self.directory / "disk")
            if self.disk is None:
                self._leave_out("disk_full", "no right to mount a small disk")
            else:
                self._closing.append(self.disk.unmount)
        if "clock_step" in self.kinds:
            self.clock_library = build_clock_library(self.directory)
            if self.clock_library is None:
                self._leave_out("clock_step", "no C compiler to build the stepped clock with")
            elif not can_be_loaded(self.clock_library):
                self.clock_library = None
                self._leave_out("clock_step", "this build does not start with a stepped clock")
        if "isolate_from_nodes" in self.kinds and not self.clustered:
            self._leave_out("isolate_from_nodes", "these nodes know nothing of each other")

    def _leave_out(self, kind: str, why: str) -> None:
        self.kinds.remove(kind)
        self.notices.append(f"no {kind}: {why}")

    # -- parts -----------------------------------------------------------------------------

    @property
    def clustered(self) -> bool:
        return knows_clusters() and self._count > 1

    def urls(self) -> List[str]:
        return [member.node.url for member in self.members.values()]

    def pids(self) -> Dict[str, int]:
        return {name: member.node.pid for name, member in self.members.items()}

    def is_whole(self) -> bool:
        """Every node sees every other as alive, over a link that is up."""
        for member in self.members.values():
            shown = member.node.members()
            if set(shown) != set(self.members) or any(one["link"] == "down" for one in shown.values()):
                return False
        return True

    # -- cuts ------------------------------------------------------------------------------

    def cut_from_database(self, name: str, mode: str) -> List[Any]:
        proxy = self.members[name].to_database
        cut = proxy.cut(mode)
        return [lambda: proxy.heal(cut)]

    def cut_from_nodes(self, name: str, mode: str) -> List[Any]:
        """Both ways: what comes to it, and what it opens to others."""
        if self.hosts is not None:
            return [self.hosts.separate(name, [other for other in self.members if other != name])]
        made: List[Any] = []
        for other, member in self.members.items():
            assert member.from_peers is not None
            made.append(_healing(member.from_peers, member.from_peers.cut(mode, None if other == name else [name])))
        return made

    def switch_database(self) -> None:
        for member in self.members.values():
            member.to_database.switch(self.database.primary.socket)


def _healing(proxy: Proxy, cut: Cut) -> Any:
    return lambda: proxy.heal(cut)
