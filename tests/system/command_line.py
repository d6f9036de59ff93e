"""A `geartrain dev` and the program beside it, for the tests of the command line. Standard library only."""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

BINARY = os.environ.get("GEARTRAIN_BIN", "")
START_SECONDS = 90
SHORT_SECONDS = 30

TEMPLATE = """
namespace_name: cli_test
name: pair
version: "1.0.0"
identity_strategy: always_unique
steps:
  - name: first
    handler: {callable: cli.first}
    retry: {retryable: false}
  - name: second
    dependencies: [first]
    handler: {callable: cli.second}
"""


def environment(**extra):
    """Ours without settings of the caller's own, so that a test sees only what it says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GEARTRAIN_")}
    return {**kept, **extra}


def run(*arguments, stdin="", **extra):
    return subprocess.run([BINARY, *arguments], input=stdin, capture_output=True, text=True, timeout=SHORT_SECONDS,
                          env=environment(**extra))


def wait_until(condition):
    nothing = threading.Event()
    deadline = time.monotonic() + SHORT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("did not happen in time")
        nothing.wait(0.05)


class Dev:
    """A `geartrain dev` on a data directory, from its ready line on."""

    def __init__(self, folder, *arguments, listen="127.0.0.1:0"):
        self.log = open(os.path.join(folder, "log"), "a+", encoding="utf-8")
        self.process = subprocess.Popen(
            [BINARY, "dev", "--listen", listen, "--data-dir", os.path.join(folder, "data"), *arguments],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment())
        try:
            ready, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
            self.ready_line = self.process.stdout.readline() if ready else ""
            match = re.fullmatch(r"geartrain ready (http://127\.0\.0\.1:\d+)\n", self.ready_line)
            if not match:
                raise AssertionError(f"no ready line but {self.ready_line!r}; log:\n{self.read_log()}")
            self.url = match.group(1)
        except BaseException:
            self.end(signal.SIGKILL)
            raise

    def read_log(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def end(self, number=signal.SIGTERM):
        """Sends the signal; returns the exit status and whatever else came on standard output."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=START_SECONDS)
        self.log.close()
        return self.process.returncode, rest


class Worker:
    """Runs steps in a thread: poll, decide, report."""

    def __init__(self, url, decide):
        self.url = url
        self.decide = decide
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.loop)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def call(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=SHORT_SECONDS) as answer:
            return json.load(answer)

    def loop(self):
        while not self.stopping.is_set():
            steps = self.call("/v1/workers/poll", {"worker_id": "cli-test", "namespaces": ["cli_test"],
                                                   "max_steps": 10, "wait_ms": 200})["steps"]
            reports = [{"step_uuid": step["step_uuid"], "lease_token": step["lease_token"], **self.decide(step)}
                       for step in steps]
            if reports:
                self.call("/v1/workers/results", {"worker_id": "cli-test", "results": reports})


def succeed(step):
    return {"success": True, "result": {"done": step["name"]}, "metadata": {"execution_time_ms": 5}}


def refuse(step):
    return {"success": False, "error": {"message": "not today", "error_type": "permanent_error", "retryable": False}}


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="geartrain-cli.")
    os.chmod(path, 0o755)  # as root, the database runs as another user below it
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
