#!/usr/bin/env python3
"""One fault run: nodes, workers and a load on a database of their own, a seeded schedule of faults, and the checker's verdict.

    tests/fault/run.py --seed 7 --seconds 60 --nodes 3
    tests/fault/run.py --seed 7 --faults kill,freeze --json result.json --keep /tmp/run-7

The same seed gives the same load and the same schedule; what meets what is up to the machine. Exit code 0: no violation; 1: some;
2: the run itself did not work.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from typing import Any, Dict, List

import checker
import evidence as evidence_of
import ledger
import schedule as schedules
from creators import Creators
from injector import Injector
from namespaces import can_make_namespaces
from subject import WORKERS, Subject
from workflows import templates

from harness import wait_until
from nodes import ClusterNode
from geartrain import ApiError, Client

LEASE_MS = 2500
STOP_SECONDS = 60.0
WHOLE_SECONDS = 30.0
SHOWN = 20


class Run:
    def __init__(self, options: argparse.Namespace, directory: pathlib.Path) -> None:
        self.options = options
        self.directory = directory
        self.began = time.monotonic()
        self.result: Dict[str, Any] = {"seed": options.seed, "seconds": options.seconds, "nodes": options.nodes}

    def say(self, text: str) -> None:
        if not self.options.quiet:
            print(f"{time.monotonic() - self.began:7.2f}  {text}", flush=True)

    def run(self) -> int:
        options = self.options
        subject = Subject(self.directory, options.seed, options.nodes, options.faults, LEASE_MS, options.network == "namespaces")
        with subject:
            for notice in subject.notices:
                self.say(notice)
            self._register(subject)
            if options.without_fence:
                _take_away_the_fence(subject)
            workers = [f"w{number}" for number in range(1, WORKERS + 1)]
            subject.workers.start(workers, subject.urls())
            book = ledger.Ledger(self.directory / "clients.ledger")
            creators = Creators(options.seed, subject.urls(), book, LEASE_MS, options.rate)
            creators.start()
            injector = Injector(subject, self.say)
            schedule = schedules.make(options.seed, options.seconds, list(subject.members), workers, subject.kinds)
            injector.play(schedule, options.seconds)
            self.say("all faults are over")
            creators.stop(options.deadline)
            apart = self._wait_until_whole(subject)
            ended = self._wait_for_the_end(subject, creators)
            injector.problems += subject.workers.stop()
            book.close()
            found = self._gather(subject, creators)
            found.apart = apart
            found.ends.update(injector.deaths)
        found.ledger = ledger.read(self.directory)
        found.seen = [line for line in found.ledger if line["what"] == "seen"]
        (self.directory / "evidence.json").write_text(found.to_json())
        return self._report(subject, injector, found, ended, creators)

    def _register(self, subject: Subject) -> None:
        with Client(subject.urls()[0]) as client:
            for template in templates():
                client.register_template(template)

    def _wait_until_whole(self, subject: Subject) -> str:
        """What the nodes say of each other if they don't meet again."""
        try:
            if subject.clustered:
                wait_until("the nodes see each other again", subject.is_whole, WHOLE_SECONDS)
        except AssertionError:
            return str({name: member.node.cluster() for name, member in subject.members.items()})
        return ""

    def _wait_for_the_end(self, subject: Subject, creators: Creators) -> float:
        """Seconds from the end of the faults until the last task ended; those of the deadline if some did not."""
        healed = time.monotonic()
        open_tasks = "SELECT count(*) FROM geartrain.tasks WHERE NOT closed"
        wait_until("the database answers", subject.database.primary.answers, self.options.deadline)
        try:
            wait_until("every task ends", lambda: subject.database.sql(open_tasks) == [["0"]], self.options.deadline, 0.1)
        except AssertionError as late:
            self.say(str(late))
        self.say(f"{len(creators.accepted)} tasks are over")
        return time.monotonic() - healed

    def _gather(self, subject: Subject, creators: Creators) -> evidence_of.Evidence:
        found = evidence_of.Evidence(accepted=creators.accepted, refusals=creators.failures)
        members = list(subject.members.values())
        if not subject.clustered:  # only a cluster promises that every node shows the same; a new life reads what is true
            members[0].node.stop()
            members[0].node.start_again()
        clients = [Client(member.node.url, timeout=10) for member in members]
        for number, task in enumerate(creators.accepted):
            first = number % len(clients) if subject.clustered else 0
            found.steps[task] = _steps_of(task, clients[first:] + clients)
        for client in clients:
            client.close()
        for member in members:
            member.node.terminate()
        for member in members:
            found.ends[member.name] = _end_of(member.node)
        evidence_of.read_rows(found, subject.database.sql)
        for member in members:
            shutil.copy(member.node.log, self.directory / f"{member.name}.log")
        return found

    def _report(self, subject: Subject, injector: Injector, found: evidence_of.Evidence, ended: float, creators: Creators) -> int:
        violations = checker.violations(found)
        faults = injector.counts + Counter(line["kind"] for line in found.ledger if line["what"] == "fault")
        by_kind = Counter(one.kind for one in violations)
        self.result.update(
            cluster=subject.clustered, faults=dict(sorted(faults.items())), notices=subject.notices, **checker.counts(found),
            violations=len(violations), violations_by_kind=dict(by_kind), problems=injector.problems,
            ended_after_seconds=round(ended, 2), longest_creation_seconds=round(creators.longest_pause, 2))
        for one in violations[:SHOWN]:
            print(f"VIOLATION {one.kind}: {one.what}")
        if len(violations) > SHOWN:
            print(f"and {len(violations) - SHOWN} more: {dict(by_kind)}")
        for problem in injector.problems:
            print(f"PROBLEM {problem}")
        print(summary(self.result))
        return 1 if violations else 2 if injector.problems else 0


def _end_of(node: ClusterNode) -> int:
    assert node.process is not None
    try:
        return node.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        return -signal.SIGALRM


def _steps_of(task: str, clients: List[Client]) -> Dict[str, Any]:
    """By the first that answers; that a task is not there is an answer too."""
    for client in clients:
        try:
            return evidence_of.step_rows(client.list_steps(task))
        except ApiError as error:
            if error.status == 404:
                return {}
    raise SystemExit("no node answers any more")


def _take_away_the_fence(subject: Subject) -> None:
    """A turn is fenced by the key of the rows that it appends and by the number in the head row. Without the key, two nodes that
    follow the same turn are both told that they were first. The checker has to find that."""
    subject.database.sql("ALTER TABLE geartrain.attempts DROP CONSTRAINT attempts_pkey")


def summary(result: Dict[str, Any]) -> str:
    faults = ", ".join(f"{count} {kind}" for kind, count in result["faults"].items()) or "none"
    return (f"seed {result['seed']}: {result['tasks']} tasks, {result['steps']} steps, {result['attempts']} attempts, "
            f"{result['executions']} executions, {result['repeated_executions']} repeated, {result['expired_leases']} leases expired, "
            f"{result['refused_results']} results refused\n"
            f"  faults: {faults}\n"
            f"  all over {result['ended_after_seconds']} s after the last fault; longest creation {result['longest_creation_seconds']} s\n"
            f"  violations: {result['violations']}")


def parse(arguments: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long faults come")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--faults", default=",".join(schedules.ALL), help=f"of {', '.join(schedules.ALL)}; empty: none")
    parser.add_argument("--rate", type=float, default=12.0, help="tasks created per second")
    parser.add_argument("--deadline", type=float, default=90.0, help="seconds after the last fault within which all tasks must end")
    parser.add_argument("--network", choices=("proxies", "namespaces"), default="proxies", help="how nodes are cut from each other")
    parser.add_argument("--json", type=pathlib.Path, help="writes the figures to this file")
    parser.add_argument("--keep", type=pathlib.Path, help="keeps logs, ledgers and evidence here; a run with violations keeps them anyway")
    parser.add_argument("--without-fence", action="store_true", help="breaks the compare-and-swap of turns: the checker must find it")
    parser.add_argument("--quiet", action="store_true", help="only the result")
    options = parser.parse_args(arguments)
    options.faults = [kind for kind in options.faults.split(",") if kind]
    unknown = set(options.faults) - set(schedules.ALL)
    if unknown:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    if options.network == "namespaces" and not can_make_namespaces():
        print("no network namespaces here: loopback and proxies instead")
        options.network = "proxies"
    return options


def main() -> int:
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up
    directory = pathlib.Path(tempfile.mkdtemp(prefix="geartrain-fault-"))
    directory.chmod(0o755)  # PostgreSQL may run as another user and must be able to enter
    code = 2
    try:
        run = Run(options, directory)
        code = run.run()
        if options.json:
            options.json.write_text(json.dumps(run.result, indent=2) + "\n")
    finally:
        if options.keep:
            shutil.copytree(directory, options.keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("disk"))
        if code != 0 and not options.keep:
            print(f"kept: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
