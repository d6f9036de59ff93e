"""How `geartrain dev` begins and ends, and what the command line does without a server."""

import json
import os
import signal
import subprocess
import unittest

from command_line import BINARY, Dev, SHORT_SECONDS, START_SECONDS, TEMPLATE, Worker, environment, folder, run, succeed, wait_until


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


if __name__ == "__main__":
    unittest.main()
