"""Nodes in networks of their own: a namespace each, joined by a bridge. What is cut here is cut in the kernel, so that packets just
stop. Needs the right to make namespaces; elsewhere loopback and proxies do."""

from __future__ import annotations

import os
import subprocess
from typing import Any, Callable, Dict, List


class Host:
    """Where one node lives: the command that runs it there, its address, and that of this side of the bridge."""

    def __init__(self, namespace: str, address: str, gateway: str) -> None:
        self.namespace, self.address, self.gateway = namespace, address, gateway
        self.prefix = ["ip", "netns", "exec", namespace]


class Hosts:
    """Inside a with statement: so many hosts, n1, n2 and so on."""

    def __init__(self, count: int) -> None:
        self._bridge = f"gt{os.getpid() % 100000}"
        # A network by process, so that runs side by side do not meet.
        self._network = f"10.{200 + os.getpid() // 250 % 50}.{os.getpid() % 250}"
        self.hosts = [Host(f"{self._bridge}-n{number}", f"{self._network}.{10 + number}", f"{self._network}.1")
                      for number in range(1, count + 1)]

    def __enter__(self) -> "Hosts":
        try:
            _ip(f"link add {self._bridge} type bridge")
            _ip(f"addr add {self._network}.1/24 dev {self._bridge}")
            _ip(f"link set {self._bridge} up")
            for number, host in enumerate(self.hosts, 1):
                outer = f"{self._bridge}v{number}"
                _ip(f"netns add {host.namespace}")
                _ip(f"link add {outer} type veth peer name eth0 netns {host.namespace}")
                _ip(f"link set {outer} master {self._bridge} up")
                _ip(f"-n {host.namespace} addr add {host.address}/24 dev eth0")
                _ip(f"-n {host.namespace} link set eth0 up")
                _ip(f"-n {host.namespace} link set lo up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", host.namespace], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self._bridge], capture_output=True, check=False)

    def separate(self, name: str, others: List[str]) -> Callable[[], None]:
        """No packet passes between one host and the others, in neither direction. What is returned ends that."""
        by_name: Dict[str, Host] = {f"n{number}": host for number, host in enumerate(self.hosts, 1)}
        pairs = [(by_name[name], by_name[other]) for other in others]
        pairs += [(b, a) for a, b in pairs]
        for a, b in pairs:
            _ip(f"-n {a.namespace} route replace blackhole {b.address}/32")

        def heal() -> None:
            for a, b in pairs:
                _ip(f"-n {a.namespace} route del blackhole {b.address}/32")

        return heal


def can_make_namespaces() -> bool:
    name = f"gt-probe-{os.getpid()}"
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
    if made:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return made


def _ip(words: str) -> None:
    answer = subprocess.run(["ip", *words.split()], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise AssertionError(f"ip {words}: {answer.stderr}")
