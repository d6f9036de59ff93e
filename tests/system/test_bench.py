"""`geartrain bench`: a very short run gives a complete report and leaves nothing behind. No figure is judged."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from harness import BINARY, wait_until

MEASURED = ("workload", "driver", "steps_per_task", "window", "idle_latency", "saturation", "half_load_latency",
            "half_load_tasks_per_second", "peak_memory_bytes", "times_baseline", "share_of_limit")
SATURATION = ("seconds", "steps", "tasks", "steps_per_second", "tasks_per_second", "round_trips_per_step",
              "statements_per_step", "mean_batch", "server_cpu_us_per_step", "node_cpu_us_per_step",
              "driver_cpu_us_per_step", "wal_bytes_per_step", "refused")


def processes_below(folder: pathlib.Path) -> list:
    """Processes that work in a folder, or were started with it on their command line."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "cmdline").read_bytes().decode(errors="replace") + os.readlink(entry / "cwd")
        except OSError:
            continue
        if str(folder) in text:
            found.append(text)
    return found


class Bench(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="geartrain-test-bench-")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.scratch.chmod(0o755)  # PostgreSQL may run as another user and must be able to enter
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("GEARTRAIN_")}
        self.environment["TMPDIR"] = scratch.name

    def command(self, *arguments: str, seconds: float = 0.5) -> list:
        return [BINARY, "bench", "--seconds", str(seconds), "--scratch", str(self.scratch), *arguments]

    def bench(self, *arguments: str, seconds: float = 0.5) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.command(*arguments, seconds=seconds), capture_output=True, text=True, timeout=170,
                              env=self.environment, check=False)

    def assert_nothing_left(self) -> None:
        wait_until("no process is left", lambda: not processes_below(self.scratch))
        wait_until("no file is left", lambda: not list(self.scratch.iterdir()))

    def test_a_report_is_complete_and_nothing_is_left(self) -> None:
        done = self.bench("--workloads", "linear-4", "--drivers", "in-process,http", "--window", "128", "--output", "json",
                          seconds=2)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_nothing_left()
        report = json.loads(done.stdout)
        for key in ("command", "commit", "postgres", "machine", "settings", "limit", "baseline", "commit_latency_ms"):
            self.assertIsNotNone(report[key], key)
        for key in ("cores", "cpu", "memory_bytes", "kernel", "load_before"):
            self.assertIn(key, report["machine"])
        self.assertEqual([row["driver"] for row in report["measurements"]], ["http", "in-process"])
        for row in report["measurements"]:
            self.assertIsNone(row["skipped"])
            for key in MEASURED:
                self.assertIsNotNone(row[key], key)
            for key in SATURATION:
                self.assertIsNotNone(row["saturation"][key], key)

    def test_every_workload_comes_to_its_end(self) -> None:
        done = self.bench("--no-yardsticks", "--drivers", "http", "--window", "2", "--quick", "--output", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = json.loads(done.stdout)["measurements"]
        self.assertEqual({row["workload"] for row in rows},
                         {"linear-4", "diamond", "tree", "mixed-dag", "fan-out", "decision", "batch-1000", "single-step"})
        self.assertTrue(all(row["idle_latency"] for row in rows))
        self.assert_nothing_left()

    def test_twice_the_load_is_offered_to_a_bounded_node(self) -> None:
        done = self.bench("--no-yardsticks", "--quick", "--workloads", "single-step", "--drivers", "in-process", "--window", "50",
                          "--overload", "--output", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        figures = json.loads(done.stdout)["measurements"][0]["overload"]
        self.assertGreater(figures["offered_tasks_per_second"], 0)
        self.assertIsNotNone(figures["full_load_latency"])
        self.assertIsNotNone(figures["accepted_latency"])
        self.assert_nothing_left()

    def test_several_nodes_share_the_tasks(self) -> None:
        done = self.bench("--no-yardsticks", "--quick", "--workloads", "linear-4", "--drivers", "http", "--nodes", "2", "--window", "16",
                          "--output", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        row = json.loads(done.stdout)["measurements"][0]
        self.assertEqual(row["nodes"], 2)
        self.assertGreater(row["saturation"]["tasks"], 0)
        self.assert_nothing_left()

    def test_a_killed_run_leaves_nothing(self) -> None:
        with subprocess.Popen(self.command("--no-yardsticks", "--drivers", "python", "--workloads", "linear-4"),
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment) as running:
            wait_until("a node serves", lambda: any("bench\0node" in text for text in processes_below(self.scratch)))
            running.kill()
        self.assert_nothing_left()

    def test_a_wrong_name_is_refused_with_the_right_ones(self) -> None:
        done = self.bench("--workloads", "lineer")
        self.assertEqual(done.returncode, 2)
        self.assertIn("linear-4", done.stderr)


if __name__ == "__main__":
    unittest.main()
