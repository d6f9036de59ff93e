#!/usr/bin/env python3
"""Runs the scenarios of tests/conformance/scenarios against real nodes and says what is covered.

    tests/conformance/run.py [--only PATTERN]... [--except PATTERN]... [--jobs N] [--list] [--coverage] [--keep]

Needs GEARTRAIN_BIN, or a release build. Scenarios share one node, each in a namespace of its own; those that need other settings
or the node to themselves say so. Fails if a scenario fails, if one claims to cover what does not exist, or if a row of
coverage.json is covered by none. The last line is `N passed, N failed`.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import fnmatch
import json
import pathlib
import re
import sys
import threading
import time
import traceback
import uuid
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "system"))

from harness import Node  # noqa: E402
from script import Mismatch, Performance, operation_of  # noqa: E402

SCENARIOS = HERE / "scenarios"
# Rows of coverage.json whose meaning begins so are promised and cannot be shown yet; they are named, but do not fail the run.
LATER = "later: "
_KEYS = {"title", "why", "covers", "node", "templates", "handlers", "worker", "worker_settings", "script"}


class Scenario:
    """One file."""

    def __init__(self, path: pathlib.Path) -> None:
        self.name = str(path.relative_to(SCENARIOS).with_suffix(""))
        try:
            self.data: Dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise SystemExit(f"{path}: {error}") from None
        self.problems = self._problems()
        self.failure: Optional[str] = None
        self.seconds = 0.0

    def _problems(self) -> List[str]:
        found = [f"unknown key {key}" for key in self.data if key not in _KEYS]
        found += [f"no {key}" for key in ("title", "covers", "script") if not self.data.get(key)]
        for entry in self.data.get("script", []):
            for inner in [entry, *entry.get("do", [])]:
                try:
                    operation_of(inner)
                except ValueError as error:
                    found.append(str(error))
        return found

    @property
    def node_key(self) -> str:
        return json.dumps(self.data.get("node", {}), sort_keys=True)

    def perform(self, nodes: List[Node]) -> None:
        begin = time.monotonic()
        namespace = re.sub(r"\W", "_", f"c_{self.name}")[:54] + "_" + uuid.uuid4().hex[:8]
        try:
            Performance(self.data, nodes, namespace).run()
        except Mismatch as problem:
            self.failure = str(problem)
        except Exception:  # a defect of the runner or of the scenario; the others go on
            self.failure = traceback.format_exc(limit=-3)
        self.seconds = time.monotonic() - begin


def load(only: List[str], without: Sequence[str] = ()) -> List[Scenario]:
    """The scenarios whose name matches one of the patterns, and none of the others."""

    def fits(name: str, patterns: Sequence[str]) -> bool:
        return any(fnmatch.fnmatch(name, pattern) or name.startswith(pattern) for pattern in patterns)

    scenarios = [Scenario(path) for path in sorted(SCENARIOS.rglob("*.json"))]
    return [s for s in scenarios if (not only or fits(s.name, only)) and not fits(s.name, without)]


# -- coverage ----------------------------------------------------------------------------


def catalogue() -> Dict[str, Dict[str, str]]:
    """What must be covered: per kind, the rows and what they mean."""
    return json.loads((HERE / "coverage.json").read_text(encoding="utf-8"))


def coverage(scenarios: List[Scenario]) -> Tuple[Dict[Tuple[str, str], List[Scenario]], List[str]]:
    """Which scenarios cover which row; and claims about rows that do not exist."""
    rows = catalogue()
    found: Dict[Tuple[str, str], List[Scenario]] = {(kind, row): [] for kind, all_rows in rows.items() for row in all_rows}
    unknown = []
    for scenario in scenarios:
        for claim in scenario.data.get("covers", []):
            kind, _, row = claim.partition(": ")
            if (kind, row) in found:
                found[(kind, row)].append(scenario)
            else:
                unknown.append(f"{scenario.name} covers {claim!r}, which is not in coverage.json")
    return found, unknown


def show_coverage(scenarios: List[Scenario], details: bool) -> List[str]:
    """Prints a summary; the problems."""
    found, problems = coverage(scenarios)
    rows = catalogue()
    print("\ncoverage (rows with a scenario / with a scenario that passed / all)")
    for kind, all_rows in rows.items():
        covered = [row for row in all_rows if found[(kind, row)]]
        passed = [row for row in covered if any(not s.failure for s in found[(kind, row)])]
        print(f"  {kind:11} {len(covered):3} / {len(passed):3} / {len(all_rows):3}")
        for row, meaning in all_rows.items():
            having = found[(kind, row)]
            if not having and meaning.startswith(LATER):
                print(f"  not yet: {kind}: {row} ({meaning[len(LATER):]})")
            elif not having:
                problems.append(f"not covered: {kind}: {row} ({meaning})")
            if details or kind == "item":
                failing = sum(1 for s in having if s.failure)
                print(f"    {row:46} {len(having):3} scenarios{f', {failing} fail' if failing else ''}  {meaning}")
    return problems


# -- running -------------------------------------------------------------------------------


def run_group(key: str, scenarios: List[Scenario], jobs: int, keep: bool) -> None:
    """The scenarios that share a node (or two, on one database)."""
    spec: Mapping[str, Any] = json.loads(key)
    nodes: List[Node] = []
    try:
        for number in range(spec.get("nodes", 1)):
            nodes.append(Node(*spec.get("arguments", []), database_url=nodes[0].dsn() if number else None))
            nodes[-1].start()
        revival = threading.Lock()
        with concurrent.futures.ThreadPoolExecutor(1 if spec.get("alone") else jobs) as pool:
            for scenario in scenarios:
                pool.submit(perform_and_print, scenario, nodes, revival)
    except (AssertionError, OSError) as error:
        for scenario in scenarios:
            scenario.failure = f"no node: {error}"
    finally:
        for node in reversed(nodes):
            end_node(node, keep)


def end_node(node: Node, keep: bool) -> None:
    if node.process is not None and node.process.poll() is not None:
        print(f"the node ended with {node.process.returncode}:\n{node.tail(60)}")
    if keep:
        print(f"node kept in {node.directory}")
        if node.process is not None and node.process.poll() is None:
            node.stop()
    else:
        node.__exit__()


def run_all(scenarios: List[Scenario], jobs: int, keep: bool) -> None:
    """Groups that wait (for leases, for deadlines) run beside the large one; those that want to be alone come last."""
    groups: Dict[str, List[Scenario]] = {}
    for scenario in scenarios:
        groups.setdefault(scenario.node_key, []).append(scenario)
    for key, members in groups.items():
        print(f"-- {len(members)} scenarios on {'a node with default settings' if key == '{}' else key}")
    alone = {key: json.loads(key).get("alone", False) for key in groups}
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for key in sorted((key for key in groups if not alone[key]), key=lambda key: -len(groups[key])):
            pool.submit(run_group, key, groups[key], jobs, keep)
    for key in groups:
        if alone[key]:
            run_group(key, groups[key], jobs, keep)


def perform_and_print(scenario: Scenario, nodes: List[Node], revival: threading.Lock) -> None:
    """A node that a scenario before has killed is started again, so that one defect does not hide others."""
    with revival:
        for node in nodes:
            if node.process is not None and node.process.poll() is not None:
                print(f"the node ended by itself with {node.process.returncode}; its last words:\n{node.tail(20)}", flush=True)
                node.start()
    scenario.perform(nodes)
    if scenario.failure and any(node.process is None or node.process.poll() is not None for node in nodes):
        scenario.failure += "\n  (the node ended by itself meanwhile, maybe because of another scenario)"
    print(f"{'FAIL' if scenario.failure else 'ok  '} {scenario.seconds:6.2f} s  {scenario.name:56} {scenario.data['title']}\n", end="", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], help="names or beginnings of names; * is allowed")
    parser.add_argument("--except", action="append", default=[], dest="without", help="likewise, what is left out")
    parser.add_argument("--jobs", type=int, default=12)
    parser.add_argument("--list", action="store_true", help="names and titles, nothing is run")
    parser.add_argument("--coverage", action="store_true", help="what is covered, row by row; nothing is run")
    parser.add_argument("--keep", action="store_true", help="keeps the nodes' directories")
    options = parser.parse_args()

    scenarios = load(options.only, options.without)
    problems = [f"{scenario.name}: {problem}" for scenario in scenarios for problem in scenario.problems]
    if options.list:
        for scenario in scenarios:
            print(f"{scenario.name:56} {scenario.data['title']}")
        print(f"{len(scenarios)} scenarios")
        return 0
    if not options.coverage and not problems:
        run_all(scenarios, options.jobs, options.keep)
        failed = [scenario for scenario in scenarios if scenario.failure]
        for scenario in failed:
            print(f"\nFAILED {scenario.name}: {scenario.data['title']}\n  {scenario.failure}")
    if not options.only and not options.without:
        problems += show_coverage(scenarios, options.coverage)
    for problem in problems:
        print(f"PROBLEM {problem}")
    failures = sum(1 for scenario in scenarios if scenario.failure) + len(problems)
    if options.coverage:
        return 1 if problems else 0
    print(f"{sum(1 for s in scenarios if not s.failure)} passed, {failures} failed")
    return 1 if failures or not scenarios else 0


if __name__ == "__main__":
    sys.exit(main())
