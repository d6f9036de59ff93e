"""The command line, as a process."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from fake_node import DEADLINE, FakeNode

HANDLERS = """
import os, time
from geartrain import handler

@handler("quick")
def quick(context):
    return {"pid": os.getpid()}

@handler("stuck")
def stuck(context):
    time.sleep(600)
"""


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.node = FakeNode()
        self.addCleanup(self.node.kill)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.module = pathlib.Path(folder.name) / "my_handlers.py"
        self.module.write_text(HANDLERS, encoding="utf-8")

    def start(self, *arguments, module=None, cwd=None):
        root = pathlib.Path(__file__).resolve().parent.parent
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "geartrain.worker", "--url", self.node.url, *arguments,
             module or str(self.module)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(root)},
        )

        def end():
            process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    def test_it_serves_and_ends_in_order(self):
        process = self.start("--namespace", "a,test", "--namespace", "b", "--concurrency", "2", "--worker-id", "w-7")
        step = self.node.offer("quick")
        self.assertEqual(self.node.wait_for_result(step)["result"], {"pid": process.pid})
        self.node.wait_for(lambda: self.node.waiting == 2)
        _, body = self.node.requests[0]
        self.assertEqual((body["worker_id"], body["namespaces"]), ("w-7", ["a", "test", "b"]))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 0, err)
        self.assertIn("geartrain worker w-7 polls http://127.0.0.1", out)

    def test_a_module_by_its_name(self):
        process = self.start("--namespace", "test", module="my_handlers", cwd=str(self.module.parent))
        self.node.wait_for_result(self.node.offer("quick"))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 0)

    def test_a_second_signal_ends_at_once(self):
        process = self.start("--namespace", "test", "--concurrency", "1", "--log-level", "info")
        self.node.offer("stuck")
        self.node.wait_for(lambda: self.node.held)
        process.send_signal(signal.SIGTERM)
        for line in process.stderr:
            if " stops: " in line:
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)

    def test_what_could_not_be_finished_shows_in_the_exit_code(self):
        process = self.start("--namespace", "test", "--concurrency", "1", "--drain-seconds", "0.1")
        self.node.offer("stuck")
        self.node.wait_for(lambda: self.node.held)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn("its lease will expire", err)

    def test_wrong_usage(self):
        for arguments, module, words in (
            ((), None, "--namespace is required"),
            (("--namespace", "a"), "/nowhere/x.py", "no such file"),
            (("--namespace", "a", "--concurrency", "0"), None, "concurrency must be"),
            (("--namespace", "a", "--url", "nonsense"), None, "not an http"),
        ):
            process = self.start(*arguments, module=module)
            _, err = process.communicate(timeout=DEADLINE)
            self.assertNotEqual(process.returncode, 0)
            self.assertIn(words, err)
