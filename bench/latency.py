#!/usr/bin/env python3
"""Latency of a small workflow, one at a time: four steps in a row, over HTTP, run by a Python worker in its own process.

    bench/latency.py --url http://127.0.0.1:8080          against a running node
    GEARTRAIN_BIN=build/release/bin/geartrain bench/latency.py   starts `geartrain dev` on a folder of its own

A task is timed from the moment its POST is sent to the moment a GET shows it complete, both by the clock of this process. So as
not to disturb the steps, nothing is asked until the handler of the last step tells this process, through a pipe, that it has
started; from then on the task is read every 0.5 ms. The figures hence include one exchange to create, one that shows the end,
and up to 0.5 ms of waiting: they are an upper bound of what the engine took.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import pathlib
import platform
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, Iterator, List, Optional

ROOT = pathlib.Path(__file__).resolve().parent.parent
SDK = ROOT / "sdk" / "python"
sys.path.insert(0, str(SDK))

from geartrain import FINAL_STATES, ApiError, Client  # noqa: E402

NAMESPACE = "bench_latency"
STEPS = 4
PAUSE = 0.0005
START_DEADLINE = 60.0
TASK_DEADLINE = 30.0

TEMPLATE: Dict[str, Any] = {
    "name": "linear",
    "namespace_name": NAMESPACE,
    "version": "1.0.0",
    "identity_strategy": "always_unique",
    "steps": [
        {
            "name": f"square_{number}",
            "dependencies": [f"square_{number - 1}"] if number > 1 else [],
            "handler": {
                "callable": "bench_latency.square",
                "initialization": {"last": number == STEPS, **({"of": f"square_{number - 1}"} if number > 1 else {})},
            },
        }
        for number in range(1, STEPS + 1)
    ],
}

WORKER = """
import os, sys
from geartrain import Registry, Worker

url, namespace, concurrency, pipe = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
registry = Registry()

@registry.handler("bench_latency.square")
def square(context):
    if context.get_config("last"):
        os.write(pipe, b"x")
    before = context.get_config("of")
    value = context.get_dependency_field(before, "value") if before else context.get_input("n")
    return {"value": value * value}

worker = Worker(url, [namespace], registry, concurrency=concurrency)
print("ready", flush=True)
sys.exit(0 if worker.run() else 1)
"""


# -- processes -----------------------------------------------------------------------


def end(process: "subprocess.Popen[str]", seconds: float) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def first_line(process: "subprocess.Popen[str]", what: str) -> str:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], START_DEADLINE)
    line = process.stdout.readline() if readable else ""
    if not line:
        raise SystemExit(f"{what} was not ready within {START_DEADLINE:g} s (exit code {process.poll()})")
    return line.strip()


@contextlib.contextmanager
def node(url: Optional[str]) -> Iterator[str]:
    """The node at `url`, or one that is started for the measurement."""
    if url:
        yield url
        return
    binary = os.environ.get("GEARTRAIN_BIN")
    if not binary:
        raise SystemExit("give --url of a running node, or the path of the program in GEARTRAIN_BIN")
    folder = tempfile.mkdtemp(prefix="geartrain-latency.")
    os.chmod(folder, 0o755)  # the embedded PostgreSQL runs as an unprivileged user below it
    with open(os.path.join(folder, "node.log"), "w+", encoding="utf-8") as log:
        arguments = ["dev", "--listen", "127.0.0.1:0", "--data-dir", os.path.join(folder, "data")]
        process = subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            line = first_line(process, "geartrain dev")
            if not line.startswith("geartrain ready "):
                raise SystemExit(f"geartrain dev said {line!r}")
            yield line.split()[-1]
        except BaseException:
            log.flush()
            log.seek(0)
            sys.stderr.write("".join(log.readlines()[-20:]))
            raise
        finally:
            end(process, 30.0)
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def worker(url: str, concurrency: int) -> Iterator[int]:
    """A worker process; gives the pipe on which its last steps announce themselves."""
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, url, NAMESPACE, str(concurrency), str(write_end)],
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=[write_end],
        env={**os.environ, "PYTHONPATH": str(SDK)},
    )
    os.close(write_end)
    try:
        first_line(process, "the worker")
        yield read_end
    finally:
        end(process, 10.0)
        os.close(read_end)


# -- measurement ---------------------------------------------------------------------


def run_one(client: Client, pipe: int) -> float:
    """Milliseconds from the request to the end of one task."""
    begin = time.perf_counter()
    task = client.create_task(NAMESPACE, TEMPLATE["name"], {"n": 2}, reason="bench")
    if not select.select([pipe], [], [], TASK_DEADLINE)[0]:
        raise SystemExit(f"task {task['task_uuid']} did not reach its last step in {TASK_DEADLINE:g} s")
    os.read(pipe, 4096)
    while True:
        status = client.get_task(task["task_uuid"])["status"]
        elapsed = time.perf_counter() - begin
        if status in FINAL_STATES:
            break
        if elapsed > TASK_DEADLINE:
            raise SystemExit(f"task {task['task_uuid']} is still {status} after {TASK_DEADLINE:g} s")
        time.sleep(PAUSE)
    if status != "complete":
        raise SystemExit(f"task {task['task_uuid']} ended as {status}")
    return elapsed * 1000


def round_trips(client: Client) -> Optional[Dict[str, int]]:
    try:
        operations = client.telemetry("database").get("operations") or []
        return {entry["name"]: int(entry["round_trips"]) for entry in operations}
    except (ApiError, AttributeError, KeyError, TypeError, ValueError):
        return None


def percentile(ordered: List[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1]


def cpu_model() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def conditions(client: Client, options: argparse.Namespace) -> Dict[str, Any]:
    try:
        health = client.health("detailed")
    except ApiError:
        health = {}
    return {
        "tasks": options.tasks,
        "warmup": options.warmup,
        "steps_per_task": STEPS,
        "worker_concurrency": options.concurrency,
        "cpus": os.cpu_count(),
        "cpu": cpu_model(),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "node_version": health.get("version"),
        "own_node": not options.url,
        "measured": "POST sent to GET complete, read every 0.5 ms once the last handler has started",
    }


def measure(client: Client, pipe: int, options: argparse.Namespace) -> Dict[str, Any]:
    settings = conditions(client, options)
    for _ in range(options.warmup):
        run_one(client, pipe)
    before = round_trips(client)
    times = sorted(run_one(client, pipe) for _ in range(options.tasks))
    after = round_trips(client)
    spent = {}
    if before is not None and after is not None:
        spent = {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)}
    steps = options.tasks * STEPS
    return {
        "milliseconds": {
            "p50": percentile(times, 0.50),
            "p90": percentile(times, 0.90),
            "p99": percentile(times, 0.99),
            "min": times[0],
            "max": times[-1],
            "mean": sum(times) / len(times),
        },
        "round_trips_per_step": {name: count / steps for name, count in spent.items()},
        "round_trips": spent,
        "conditions": settings,
    }


def show(report: Dict[str, Any]) -> None:
    settings = report["conditions"]
    print(f"{settings['tasks']} tasks of {STEPS} steps in a row, one at a time ({settings['warmup']} before, not counted)")
    for name, value in report["milliseconds"].items():
        print(f"  {name:<6}{value:>9.2f} ms")
    print("database round trips per step")
    for name, value in sorted(report["round_trips_per_step"].items(), key=lambda entry: -entry[1]):
        print(f"  {name:<24}{value:>8.3f}   ({report['round_trips'][name]} in all)")
    if not report["round_trips"]:
        print("  the node gives no figures")
    print("conditions")
    for name, value in settings.items():
        if name not in ("tasks", "warmup", "steps_per_task"):
            print(f"  {name:<24}{value}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a running node; without it GEARTRAIN_BIN is started")
    parser.add_argument("--tasks", type=int, default=200, help="tasks to time (200)")
    parser.add_argument("--warmup", type=int, default=20, help="tasks before that (20)")
    parser.add_argument("--concurrency", type=int, default=1, help="slots of the worker (1)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    if options.tasks < 1 or options.warmup < 0:
        parser.error("--tasks needs at least 1, --warmup at least 0")
    with node(options.url) as url, Client(url) as client:
        client.register_template(TEMPLATE)
        with worker(url, options.concurrency) as pipe:
            report = measure(client, pipe, options)
    print(json.dumps(report, indent=2)) if options.json else show(report)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ApiError as error:
        sys.exit(f"latency: {error}")
