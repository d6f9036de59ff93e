#!/usr/bin/env python3
"""Many fault runs: a table with a line for each, and what they come to.

    tests/fault/many.py --seeds 1-100 --seconds 60 --jobs 2 --json all.json

All other arguments are handed to run.py. The exit code is 0 only if every run worked and found no violation.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Tuple

RUN = pathlib.Path(__file__).with_name("run.py")
OVERHEAD_SECONDS = 300.0  # start, end and check of a run, when everything takes as long as it may

COLUMNS = (("seed", "seed"), ("tasks", "tasks"), ("steps", "steps"), ("executions", "executions"),
           ("repeated", "repeated_executions"), ("expired", "expired_leases"), ("refused", "refused_results"),
           ("ended after s", "ended_after_seconds"), ("violations", "violations"))
SUMS = ("tasks", "steps", "attempts", "executions", "repeated_executions", "expired_leases", "refused_results", "violations")


def one_run(seed: int, options: argparse.Namespace, rest: List[str], folder: pathlib.Path) -> Tuple[int, int, Dict[str, Any], str]:
    file = folder / f"{seed}.json"
    command = [sys.executable, str(RUN), "--seed", str(seed), "--seconds", str(options.seconds), "--json", str(file), "--quiet", *rest]
    try:
        answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                                timeout=options.seconds + OVERHEAD_SECONDS)
        code, said = answer.returncode, answer.stdout
    except subprocess.TimeoutExpired as late:
        code, said = 2, f"{late}"
    return seed, code, json.loads(file.read_text()) if file.exists() else {}, said


def seeds_of(text: str) -> List[int]:
    """`1-3,7`: 1, 2, 3 and 7."""
    seeds: List[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def line(result: Dict[str, Any], code: int) -> str:
    cells = [str(result.get(key, "")) for _, key in COLUMNS]
    faults = sum(count for count in result.get("faults", {}).values())
    verdict = {0: "ok", 1: "VIOLATED"}.get(code, "FAILED")
    return "  ".join(cell.rjust(max(len(title), 6)) for cell, (title, _) in zip(cells, COLUMNS)) + f"  {faults:>6}  {verdict}"


def header() -> str:
    return "  ".join(title.rjust(max(len(title), 6)) for title, _ in COLUMNS) + "  faults  verdict"


def total(results: List[Dict[str, Any]], codes: List[int]) -> Dict[str, Any]:
    faults: "Counter[str]" = Counter()
    kinds: "Counter[str]" = Counter()
    for result in results:
        faults.update(result.get("faults", {}))
        kinds.update(result.get("violations_by_kind", {}))
    return {"runs": len(codes), "ok": codes.count(0), "violated": codes.count(1), "failed": len(codes) - codes.count(0) - codes.count(1),
            "cluster": all(result.get("cluster") for result in results if result), "faults": dict(sorted(faults.items())),
            **{key: sum(result.get(key, 0) for result in results) for key in SUMS}, "violations_by_kind": dict(kinds),
            "notices": sorted({notice for result in results for notice in result.get("notices", [])})}


def show(summary: Dict[str, Any], seconds: float) -> None:
    print(f"\n{summary['runs']} runs in {seconds:.0f} s: {summary['ok']} ok, {summary['violated']} with violations, "
          f"{summary['failed']} that did not work" + ("" if summary["cluster"] else "; nodes that know nothing of each other"))
    print("faults: " + (", ".join(f"{count} {kind}" for kind, count in summary["faults"].items()) or "none"))
    print(f"{summary['tasks']} tasks, {summary['steps']} steps, {summary['attempts']} attempts, {summary['executions']} executions, "
          f"{summary['repeated_executions']} repeated, {summary['expired_leases']} leases expired, {summary['refused_results']} results refused")
    for notice in summary["notices"]:
        print(notice)
    print(f"violations: {summary['violations']}" + "".join(f"\n  {count} {kind}" for kind, count in summary["violations_by_kind"].items()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds_of, default=[1, 2, 3], help="such as 1-100 or 1-3,7")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long faults come in each run")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--json", type=pathlib.Path, help="writes all figures to this file")
    parser.add_argument("--wait-while", type=pathlib.Path, help="no run starts while this file exists, so that others can have the machine")
    options, rest = parser.parse_known_args()
    began = time.monotonic()
    results: List[Dict[str, Any]] = []
    codes: List[int] = []
    pause = threading.Event()
    print(header(), flush=True)
    with tempfile.TemporaryDirectory(prefix="geartrain-fault-many-") as folder, ThreadPoolExecutor(options.jobs) as pool:

        def start(seed: int) -> Tuple[int, int, Dict[str, Any], str]:
            while options.wait_while is not None and os.path.exists(options.wait_while):
                pause.wait(3)
            return one_run(seed, options, rest, pathlib.Path(folder))

        for seed, code, result, said in pool.map(start, options.seeds):
            results.append(result)
            codes.append(code)
            print(line({"seed": seed, **result}, code), flush=True)
            if code != 0:
                print("".join(f"    {text}\n" for text in said.splitlines()[-30:]), end="", flush=True)
    summary = total(results, codes)
    show(summary, time.monotonic() - began)
    if options.json:
        options.json.write_text(json.dumps({"summary": summary, "runs": results}, indent=2) + "\n")
    return 0 if summary["ok"] == summary["runs"] else 1


if __name__ == "__main__":
    sys.exit(main())
