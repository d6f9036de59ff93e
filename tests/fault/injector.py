"""Does what the schedule says, and ends it again."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from typing import Any, Callable, Dict, List

from schedule import Fault
from subject import Subject

RESTART_SECONDS = 60.0


class Injector:
    """Plays a schedule; every fault has a thread of its own, and all are over when `play` returns."""

    def __init__(self, subject: Subject, say: Callable[[str], None]) -> None:
        self._subject = subject
        self._say = say
        self._giving_up = threading.Event()
        self._database = threading.Lock()
        self._one_at_a_time: Dict[str, threading.Lock] = defaultdict(threading.Lock)  # by target: an end may take longer than planned
        self.counts: "Counter[str]" = Counter()
        self.problems: List[str] = []
        self.deaths: Dict[str, int] = {}  # nodes that were found dead, and what they had ended with

    def play(self, schedule: List[Fault], seconds: float) -> None:
        began = time.monotonic()
        threads = []
        for fault in schedule:
            self._giving_up.wait(max(0.0, began + fault.at - time.monotonic()))
            threads.append(threading.Thread(target=self._run, args=(fault,), name=fault.kind))
            threads[-1].start()
        self._giving_up.wait(max(0.0, began + seconds - time.monotonic()))
        for thread in threads:
            thread.join()

    def _run(self, fault: Fault) -> None:
        self._say(f"{fault.kind} {fault.target} {fault.seconds:.1f} s {fault.mode} {fault.amount or ''}".rstrip())
        try:
            with self._one_at_a_time[fault.target]:
                getattr(self, f"_{fault.kind}")(fault)
            self.counts[fault.kind] += 1
        except Exception as error:  # a fault that can't be ended makes the run worthless, whatever the reason
            self.problems.append(f"{fault.kind} of {fault.target}: {type(error).__name__}: {error}")

    def _last(self, fault: Fault) -> None:
        self._giving_up.wait(fault.seconds)

    # -- nodes -----------------------------------------------------------------------------

    def _kill(self, fault: Fault) -> None:
        node = self._subject.members[fault.target].node
        if node.process is not None and not node.running():
            self.deaths[f"{node.name} after {fault.at:.0f} s"] = node.process.returncode
        node.kill9()
        self._last(fault)
        node.start_again(RESTART_SECONDS)

    def _freeze(self, fault: Fault) -> None:
        node = self._subject.members[fault.target].node
        node.freeze()
        self._last(fault)
        node.thaw()

    def _isolate_from_nodes(self, fault: Fault) -> None:
        self._cut(fault, self._subject.cut_from_nodes(fault.target, fault.mode))

    def _isolate_from_database(self, fault: Fault) -> None:
        self._cut(fault, self._subject.cut_from_database(fault.target, fault.mode))

    def _isolate(self, fault: Fault) -> None:
        self._cut(fault, [*self._subject.cut_from_nodes(fault.target, fault.mode),
                          *self._subject.cut_from_database(fault.target, fault.mode)])

    def _cut(self, fault: Fault, healings: List[Any]) -> None:
        self._last(fault)
        for heal in healings:
            heal()

    def _reset_in_commit(self, fault: Fault) -> None:
        """The connections of one node to the database break in the middle of whatever is said."""
        proxy = self._subject.members[fault.target].to_database
        proxy.reset_after(max(1, fault.amount), from_target=fault.mode == "from_server")
        self._last(fault)
        proxy.reset_after(0)

    def _clock_step(self, fault: Fault) -> None:
        clock = self._subject.members[fault.target].clock
        assert clock is not None
        clock.step(fault.amount)
        self._last(fault)
        clock.step(0)

    # -- the database ------------------------------------------------------------------------

    def _database_restart(self, fault: Fault) -> None:
        with self._database:
            primary = self._subject.database.primary
            primary.stop("immediate")
            self._last(fault)
            primary.start()
            self._subject.database.wait_for_standby()

    def _failover(self, fault: Fault) -> None:
        database = self._subject.database
        with self._database:
            database.wait_for_standby()
            database.fail_over()
            self._last(fault)
            self._subject.switch_database()
            database.add_standby()

    def _disk_full(self, fault: Fault) -> None:
        """The server may end itself when it can't write its log; then it is started again when there is room."""
        disk, database = self._subject.disk, self._subject.database
        assert disk is not None
        with self._database:
            if not str(database.primary.data).startswith(str(disk.place)):
                return self._other_disk()
            disk.fill()
            self._last(fault)
            disk.free()
            if not database.primary.running():
                database.primary.start()
            database.wait_for_standby()

    def _other_disk(self) -> None:
        """After a fail-over the server that counts lives elsewhere."""
        self.counts["disk_full"] -= 1

    # -- workers -----------------------------------------------------------------------------

    def _kill_worker(self, fault: Fault) -> None:
        self._subject.workers.kill(fault.target)
        self._last(fault)
        self._subject.workers.start_one(fault.target)
