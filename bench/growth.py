#!/usr/bin/env python3
"""What a step costs as things grow: finished and open tasks in the database, tasks at a time, steps in a task, minutes of a held snapshot.

    bench/growth.py finished                       0, 100 thousand and 1 million finished tasks
    bench/growth.py finished --values 0,10000000   the long one: half an hour and some 20 GB
    bench/growth.py open                           0, 100 thousand and 1 million open tasks that wait for a worker
    bench/growth.py resident                       1, 100 and 10,000 tasks open at a time
    bench/growth.py width                          tasks of 10, 1,000 and 10,000 steps beside each other
    bench/growth.py snapshot                       ten minutes under a held snapshot, run after run

Each runs `geartrain bench` on a PostgreSQL of its own and writes bench/results/growth-WHAT.json: for each value the median of
the runs by steps per second, with machine, settings, command and commit. bench/plot.py makes pictures of them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from typing import Any, Callable, Dict, Iterator, List, Tuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from private_postgres import HeldSnapshot, PrivatePostgres, psql  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHUNK = 100_000

Point = Tuple[float, Dict[str, Any]]


def bench(options: argparse.Namespace, url: str, *arguments: str, seconds: float = 0) -> Dict[str, Any]:
    """The report of one run of `geartrain bench`."""
    command = [options.binary, "bench", "--database-url", url, "--drivers", options.driver, "--no-yardsticks",
               "--quick", "--seconds", str(seconds or options.seconds), "--output", "json", *arguments]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if answer.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {answer.returncode}")
    return json.loads(answer.stdout)


def steps_per_second(report: Dict[str, Any]) -> float:
    return float(report["measurements"][0]["saturation"]["steps_per_second"])


def median_run(options: argparse.Namespace, url: str, *arguments: str) -> Dict[str, Any]:
    """The report in the middle of several."""
    runs = sorted((bench(options, url, *arguments) for _ in range(options.runs)), key=steps_per_second)
    return runs[len(runs) // 2]


# -- what grows --------------------------------------------------------------------


def fill(url: str, script: str, have: int, want: int, weeks: int) -> None:
    """Brings the number of tasks that a script adds from `have` to `want`."""
    for first in range(have + 1, want + 1, CHUNK):
        last = min(first + CHUNK - 1, want)
        psql(url, "-v", f"first={first}", "-v", f"last={last}", "-v", f"total={want}", "-v", f"weeks={weeks}",
             "-f", str(ROOT / "bench" / script))
    psql(url, "-c", "VACUUM (ANALYZE)")
    psql(url, "-c", "CHECKPOINT")


def filled(script: str) -> Callable[[argparse.Namespace, str], Iterator[Point]]:
    """Runs with more and more tasks that a script adds."""

    def run(options: argparse.Namespace, url: str) -> Iterator[Point]:
        bench(options, url, "--workloads", "linear-4", seconds=0.5)  # leaves the task that the script copies
        have = 0
        for value in sorted(options.values):
            fill(url, script, have, value, options.weeks)
            have = value
            yield value, median_run(options, url, "--workloads", "linear-4")

    return run


def resident(options: argparse.Namespace, url: str) -> Iterator[Point]:
    for value in options.values:
        yield value, median_run(options, url, "--workloads", "linear-4", "--window", str(value))


def width(options: argparse.Namespace, url: str) -> Iterator[Point]:
    for value in options.values:
        yield value, median_run(options, url, "--workloads", "fan-out", "--width", str(value))


def snapshot(options: argparse.Namespace, url: str) -> Iterator[Point]:
    """Minute 0 is before the snapshot; then one run after the other, each at the minute when it ended."""
    yield 0, median_run(options, url, "--workloads", "linear-4")
    with HeldSnapshot(url):
        begin = time.monotonic()
        minutes = 0.0
        while minutes < max(options.values):
            report = bench(options, url, "--workloads", "linear-4")
            minutes = round((time.monotonic() - begin) / 60, 1)
            yield minutes, report


KINDS: Dict[str, Tuple[Callable[[argparse.Namespace, str], Iterator[Point]], str, List[int]]] = {
    "finished": (filled("growth.sql"), "finished tasks in the database", [0, 100_000, 1_000_000]),
    "open": (filled("open.sql"), "open tasks that wait for a worker", [0, 100_000, 1_000_000]),
    "resident": (resident, "open tasks", [1, 100, 10_000]),
    "width": (width, "steps of a task beside each other", [10, 1_000, 10_000]),
    "snapshot": (snapshot, "minutes since the snapshot was taken", [10]),
}


# -- results -----------------------------------------------------------------------


def document(options: argparse.Namespace, points: List[Point]) -> Dict[str, Any]:
    """One file of bench/results."""
    report = points[0][1]
    return {
        "growth": options.kind,
        "axis": KINDS[options.kind][1],
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "command": " ".join(["bench/growth.py", *options.arguments]),
        "runs": options.runs,
        **{key: report[key] for key in ("commit", "postgres", "machine", "settings")},
        "points": [{"value": value, "measurement": report["measurements"][0]} for value, report in points],
    }


def measure(options: argparse.Namespace) -> List[Point]:
    points = []
    with PrivatePostgres(options.scratch) as server:
        for value, report in KINDS[options.kind][0](options, server.url):
            measured = report["measurements"][0]
            figures = measured["saturation"]
            print(f"{value:>12,}  {figures['steps_per_second']:>10,.0f} steps/s"
                  f"  {figures['server_cpu_us_per_step'] or 0:>6.1f} µs of the server a step"
                  f"  {(measured['peak_memory_bytes'] or 0) / 2**20:>6.0f} MiB of the node", file=sys.stderr)
            points.append((value, report))
    return points


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--values", type=lambda text: [int(part) for part in text.split(",")], help="instead of the usual")
    parser.add_argument("--runs", type=int, default=3, help="of which the median counts (3)")
    parser.add_argument("--seconds", type=float, default=10, help="of a run (10)")
    parser.add_argument("--weeks", type=int, default=4, help="that finished tasks are spread over (4)")
    parser.add_argument("--driver", default="in-process", help="where handlers run (in-process)")
    parser.add_argument("--binary", default=os.environ.get("GEARTRAIN_BIN", str(ROOT / "build/release/bin/geartrain")))
    parser.add_argument("--scratch", type=pathlib.Path, help="where the server keeps its data (/var/tmp)")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench" / "results")
    options = parser.parse_args(arguments)
    options.arguments = arguments
    options.values = options.values or KINDS[options.kind][2]
    if options.runs < 1 or min(options.values) < 0:
        parser.error("--runs needs at least 1, --values none below 0")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped
    points = measure(options)
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / f"growth-{options.kind}.json"
    path.write_text(json.dumps(document(options, points), indent=2) + "\n")
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
