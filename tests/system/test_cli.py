"""The command line, driven as a person would: `geartrain dev` and the verbs that talk to it.

Needs the program in GEARTRAIN_BIN. Standard library only.
"""

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
import unittest
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


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not BINARY:
            raise unittest.SkipTest("GEARTRAIN_BIN does not name the program")
        cls.stack = contextlib.ExitStack()
        cls.folder = cls.stack.enter_context(folder())
        templates = os.path.join(cls.folder, "templates")
        os.mkdir(templates)
        cls.template_file = os.path.join(templates, "pair.yaml")
        with open(cls.template_file, "w", encoding="utf-8") as file:
            file.write(TEMPLATE)
        try:
            cls.dev = Dev(cls.folder, "--templates", templates)
        except BaseException:
            cls.stack.close()
            raise

    @classmethod
    def tearDownClass(cls):
        status, rest = cls.dev.end()
        cls.stack.close()
        if (status, rest) != (0, ""):
            raise AssertionError(f"SIGTERM: exit status {status}, further output {rest!r}")

    def geartrain(self, *arguments, expect=0, stdin=""):
        done = run(*arguments, stdin=stdin, GEARTRAIN_URL=self.dev.url)
        self.assertEqual(done.returncode, expect, f"{arguments}: {done.stdout}\n{done.stderr}")
        if expect == 0:
            self.assertEqual(done.stderr, "")
        return done.stdout if expect == 0 else done.stderr

    def json(self, *arguments, **options):
        return json.loads(self.geartrain(*arguments, "--output", "json", **options))

    def create(self, *arguments):
        return self.json("task", "create", "cli_test/pair", *arguments)["task_uuid"]

    # -- templates -------------------------------------------------------------

    def test_templates_of_the_directory_are_registered(self):
        self.assertIn("cli_test   pair", self.geartrain("template", "list"))
        listed = self.json("template", "list", "--namespace", "cli_test")["templates"]
        self.assertIn(("pair", "1.0.0"), [(entry["name"], entry["version"]) for entry in listed])
        shown = self.geartrain("template", "show", "cli_test/pair/1.0.0")
        self.assertRegex(shown, r"(?m)^second +first +true")

    def test_registering_says_what_it_did(self):
        again = self.json("template", "register", self.template_file)
        self.assertEqual([(entry["name"], entry["version"]) for entry in again], [("pair", "1.0.0")])
        other = os.path.join(self.folder, "other.yaml")
        with open(other, "w", encoding="utf-8") as file:
            file.write(TEMPLATE.replace("pair", "other"))
        self.assertRegex(self.geartrain("template", "register", other, self.template_file),
                         r"(?m)^\S*other.yaml +cli_test +other +1\.0\.0 +[0-9a-f]{12}$")

    def test_a_bad_template_is_refused_with_every_problem(self):
        bad = os.path.join(self.folder, "bad.yaml")
        with open(bad, "w", encoding="utf-8") as file:
            file.write(TEMPLATE.replace("[first]", "[nowhere]").replace("1.0.0", "one"))
        complaint = self.geartrain("template", "register", bad, expect=1)
        self.assertIn(bad, complaint)
        self.assertIn("INVALID_TEMPLATE", complaint)
        self.assertIn("nowhere", complaint)
        self.assertRegex(complaint, r"line \d+: version")

    # -- tasks -----------------------------------------------------------------

    def test_a_task_from_creation_to_its_end(self):
        task = self.create("--input", '{"amount": 1.50}', "--tag", "a", "--tag", "b", "--priority", "7")
        self.assertIn("first", self.geartrain("step", "list", task))
        with Worker(self.dev.url, succeed):
            watched = self.geartrain("task", "watch", task)
        self.assertRegex(watched, r"(?m)^task complete$")
        self.assertRegex(watched, r"(?m)^✔ first +complete  5 ms\n✔ second +complete  5 ms$")
        head = self.geartrain("task", "get", task)
        self.assertRegex(head, r"(?m)^status +complete$")
        self.assertRegex(head, r"(?m)^steps +2/2 complete$")
        body = self.json("task", "get", task)
        self.assertEqual((body["context"], body["tags"], body["priority"]), ({"amount": 1.5}, ["a", "b"], 7))
        self.assertEqual(body["initiator"], "cli")
        steps = self.json("step", "list", task)
        self.assertEqual([step["name"] for step in steps], ["first", "second"])
        self.assertIn('"done": "second"', self.geartrain("step", "show", task, "second"))
        by_id = self.json("step", "show", task, steps[0]["step_uuid"])
        self.assertEqual(by_id["results"]["result"], {"done": "first"})

    def test_watching_a_task_that_fails_ends_with_1(self):
        task = self.create()
        with Worker(self.dev.url, refuse):
            done = run("task", "watch", task, "--output", "json", GEARTRAIN_URL=self.dev.url)
        self.assertEqual(done.returncode, 1, done.stderr)
        last = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual(last["task"]["status"], "error")
        self.assertIn("not today", self.geartrain("step", "list", task))

    def test_watching_gives_up_after_its_timeout(self):
        self.assertIn("is still", self.geartrain("task", "watch", self.create(), "--timeout", "0.3", expect=1))

    def test_input_comes_from_a_file_or_standard_input(self):
        path = os.path.join(self.folder, "input.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"from": "file"}')
        self.assertEqual(self.json("task", "get", self.create("--input", "@" + path))["context"], {"from": "file"})
        created = self.json("task", "create", "--namespace", "cli_test", "--name", "pair", "--version", "1.0.0",
                            "--input", "-", stdin='{"from": "stdin"}')
        self.assertEqual(created["context"], {"from": "stdin"})

    def test_an_idempotency_key_makes_the_second_creation_fail(self):
        first = self.create("--idempotency-key", "only-once")
        complaint = self.geartrain("task", "create", "cli_test/pair", "--idempotency-key", "only-once", expect=1)
        self.assertIn("CONFLICT", complaint)
        self.assertIn(first, complaint)

    def test_many_are_created_from_a_file(self):
        def item(number, **fields):
            return json.dumps({"namespace": "cli_bulk", "name": "pair", "context": {"n": number}, **fields})

        template = os.path.join(self.folder, "bulk.yaml")
        with open(template, "w", encoding="utf-8") as file:
            file.write(TEMPLATE.replace("cli_test", "cli_bulk"))
        self.geartrain("template", "register", template)
        path = os.path.join(self.folder, "tasks.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(item(number) + "\n" for number in range(1001)))
        self.assertEqual(self.geartrain("task", "create-bulk", "--file", path), "created 1001, failed 0\n")
        listed = self.json("task", "list", "--namespace", "cli_bulk", "--per-page", "1")
        self.assertEqual(listed["pagination"]["total_count"], 1001)
        lines = [item(1, idempotency_key="bulk"), "", item(2, idempotency_key="bulk"), "no JSON", item(3, name="nothing")]
        answer = run("task", "create-bulk", "--file", "-", stdin="\n".join(lines), GEARTRAIN_URL=self.dev.url)
        self.assertEqual((answer.returncode, answer.stdout), (1, "created 1, failed 3\n"))
        self.assertRegex(answer.stderr, r"(?m)^line 3: .* \(CONFLICT\) .*task_uuid")
        self.assertRegex(answer.stderr, r"(?m)^line 4: is no JSON object$")
        self.assertRegex(answer.stderr, r"(?m)^line 5: .*cli_bulk/nothing.* \(NOT_FOUND\)$")
        body = run("task", "create-bulk", "--file", "-", "--output", "json", stdin=item(4), GEARTRAIN_URL=self.dev.url)
        self.assertEqual(json.loads(body.stdout)["created"], 1)
        self.assertEqual(run("task", "create-bulk", "--file", "/nowhere").returncode, 2)

    def test_lists_are_filtered_and_paged(self):
        tasks = {self.create() for _ in range(3)}
        page = self.json("task", "list", "--namespace", "cli_test", "--per-page", "2")
        self.assertEqual(len(page["tasks"]), 2)
        self.assertGreaterEqual(page["pagination"]["total_count"], 3)
        table = self.geartrain("task", "list", "--namespace", "cli_test", "--status", "steps_in_process",
                               "--per-page", "100")
        for task in tasks:
            self.assertRegex(table, rf"(?m)^{task}  cli_test   pair +1\.0\.0 +steps_in_process +0/2 ")
        self.assertRegex(table, r"page 1 of \d+, \d+ tasks\n$")
        self.assertIn("status", self.geartrain("task", "list", "--status", "tired", expect=1))

    def test_what_does_not_exist_ends_with_1(self):
        nobody = "0190a000-0000-7000-8000-000000000000"
        for arguments in (("task", "get", nobody), ("task", "watch", nobody), ("step", "list", nobody),
                          ("template", "show", "cli_test/pair/9.9.9"), ("task", "create", "cli_test/nothing")):
            self.assertIn("NOT_FOUND", self.geartrain(*arguments, expect=1))
        self.assertIn("has no step", self.geartrain("step", "show", self.create(), "third", expect=1))
        self.assertIn("INVALID_UUID", self.geartrain("task", "get", "no-uuid", expect=1))

    def test_a_node_needs_a_migrated_database(self):
        with open(os.path.join(self.folder, "data", "pg", "postmaster.pid"), encoding="utf-8") as file:
            socket_directory = file.read().splitlines()[4]
        server = f"host={socket_directory} user=geartrain"
        subprocess.run(["psql", "-qX", f"{server} dbname=postgres", "-c", "CREATE DATABASE empty"], check=True)
        url = f"{server} dbname=empty"
        refused = run("node", "--listen", "127.0.0.1:0", "--database-url", url)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn("has version 0", refused.stderr)
        self.assertIn("geartrain migrate", refused.stderr)
        self.assertIn("from version 0 to", run("migrate", "--database-url", url).stdout)
        again = json.loads(run("migrate", "--output", "json", GEARTRAIN_DATABASE_URL=url).stdout)
        self.assertEqual(again["from"], again["to"])
        with subprocess.Popen([BINARY, "node", "--listen", "127.0.0.1:0", "--database-url", url],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()) as node:
            try:
                self.assertRegex(node.stdout.readline(), r"^geartrain ready http://127\.0\.0\.1:\d+\n$")
            finally:
                node.terminate()
            self.assertEqual(node.wait(SHORT_SECONDS), 0)

    def test_no_colour_without_a_terminal(self):
        self.assertNotIn("\x1b", self.geartrain("task", "list"))

    def test_a_second_owner_of_the_data_directory_is_refused(self):
        done = run("dev", "--listen", "127.0.0.1:0", "--data-dir", os.path.join(self.folder, "data"))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "")
        self.assertIn("another process uses", done.stderr)


class Lifetime(unittest.TestCase):
    def setUp(self):
        if not BINARY:
            self.skipTest("GEARTRAIN_BIN does not name the program")

    def test_a_killed_node_comes_back_with_its_tasks_and_a_watcher_waits_for_it(self):
        with folder() as path:
            with open(os.path.join(path, "pair.yaml"), "w", encoding="utf-8") as file:
                file.write(TEMPLATE)
            dev = Dev(path, "--templates", path)
            created = run("task", "create", "cli_test/pair", "--output", "json", GEARTRAIN_URL=dev.url)
            task = json.loads(created.stdout)["task_uuid"]
            with subprocess.Popen([BINARY, "task", "watch", task, "--url", dev.url], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env=environment()) as watcher:
                self.assertEqual(watcher.stdout.readline(), "step first enqueued\n")
                self.assertEqual(dev.end(signal.SIGKILL)[0], -signal.SIGKILL)
                self.assertIn("the server is away", watcher.stderr.readline())
                dev = Dev(path, "--templates", path, listen=dev.url[len("http://"):])
                try:
                    with Worker(dev.url, succeed):
                        watched, _ = watcher.communicate(timeout=SHORT_SECONDS)
                    self.assertEqual(watcher.returncode, 0, watched)
                finally:
                    watcher.kill()
                    status = dev.end(signal.SIGINT)
            self.assertEqual(status, (0, ""))

    def test_a_second_signal_ends_at_once(self):
        with folder() as path:
            dev = Dev(path, "--templates", path)
            with open(os.path.join(path, "data", "pg", "postmaster.pid"), encoding="utf-8") as file:
                postmaster = int(file.readline())
            os.kill(postmaster, signal.SIGSTOP)  # so that the orderly way does not come to its end
            try:
                dev.process.send_signal(signal.SIGTERM)
                wait_until(lambda: "a second signal ends at once" in dev.read_log())
                self.assertEqual(dev.end(signal.SIGINT), (128 + signal.SIGINT, ""))
            finally:
                os.kill(postmaster, signal.SIGCONT)
            wait_until(lambda: not os.path.exists(f"/proc/{postmaster}"))

    def test_a_broken_template_stops_the_start(self):
        with folder() as path:
            with open(os.path.join(path, "broken.yaml"), "w", encoding="utf-8") as file:
                file.write("name: [\n")
            done = subprocess.run([BINARY, "dev", "--listen", "127.0.0.1:0", "--data-dir", os.path.join(path, "data"),
                                   "--templates", path], capture_output=True, text=True, timeout=START_SECONDS,
                                  env=environment())
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("broken.yaml:", done.stderr)


class WithoutServer(unittest.TestCase):
    def setUp(self):
        if not BINARY:
            self.skipTest("GEARTRAIN_BIN does not name the program")

    def test_version(self):
        done = run("--version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^geartrain \d+\.\d+\.\d+\n$")

    def test_config_show_knows_all_sources(self):
        with folder() as path:
            file = os.path.join(path, "my.yaml")
            with open(file, "w", encoding="utf-8") as out:
                out.write("workers:\n  lease_ms: 1000\nnode:\n  shards: 2\nlog:\n  level: warn\n")
            done = run("config", "show", "--log-level", "debug", "--output", "json", GEARTRAIN_CONFIG=file,
                       GEARTRAIN_NODE_SHARDS="3", GEARTRAIN_DATABASE_URL="postgresql://me:secret@db/x")
            self.assertEqual(done.returncode, 0, done.stderr)
            shown = json.loads(done.stdout)
            self.assertEqual(shown["workers"]["lease_ms"], {"value": 1000, "from": "my.yaml:2"})
            self.assertEqual(shown["node"]["shards"], {"value": 3, "from": "GEARTRAIN_NODE_SHARDS"})
            self.assertEqual(shown["log"]["level"], {"value": "debug", "from": "--log-level"})
            self.assertEqual(shown["database"]["url"]["value"], "postgresql://me:***@db/x")

    def test_every_problem_of_the_configuration_comes_at_once(self):
        done = run("node", "--lease-ms", "soon", GEARTRAIN_NODE_SHARDS="0")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--workers-lease-ms", done.stderr)
        self.assertIn("GEARTRAIN_NODE_SHARDS", done.stderr)

    def test_an_unreachable_server_or_database_ends_with_3(self):
        self.assertEqual(run("task", "list", "--url", "http://127.0.0.1:1").returncode, 3)
        done = run("task", "watch", "0190a000-0000-7000-8000-000000000000", "--url", "http://127.0.0.1:1")
        self.assertEqual(done.returncode, 3)
        nowhere = "postgresql://127.0.0.1:1/x?connect_timeout=2"
        done = run("migrate", "--database-url", nowhere)
        self.assertEqual(done.returncode, 3, done.stderr)

    def test_the_default_configuration_is_itself_valid(self):
        with folder() as path:
            file = os.path.join(path, "default.yaml")
            with open(file, "w", encoding="utf-8") as out:
                out.write(run("config", "default").stdout)
            self.assertEqual(run("config", "show", "--config", file).returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
