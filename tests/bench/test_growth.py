"""bench/growth.py against a PostgreSQL of its own, with a stand-in for `geartrain bench`."""

import json
import pathlib
import stat
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import growth  # noqa: E402
import plot  # noqa: E402
from private_postgres import HeldSnapshot, PrivatePostgres, psql  # noqa: E402

# Notes how it was called. Its rate is the number of its call, out of order, so that a median differs from first and last.
STAND_IN = """#!{python}
import json, pathlib, sys
log = pathlib.Path({log!r})
calls = log.read_text().splitlines() if log.exists() else []
log.write_text("\\n".join([*calls, " ".join(sys.argv[1:])]) + "\\n")
rate = [30, 10, 20][len(calls) % 3] + len(calls) // 3 * 100
print(json.dumps({{"commit": "c", "postgres": "15", "machine": {{"cores": 2}}, "settings": {{}}, "measurements": [
    {{"workload": "linear-4", "driver": "in-process", "peak_memory_bytes": None, "saturation": {{"steps_per_second": rate,
      "server_cpu_us_per_step": 5, "node_cpu_us_per_step": None}}}}]}}))
"""


class GrowthTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.path.chmod(0o755)  # the server runs as another user
        self.log = self.path / "calls"
        self.binary = self.path / "geartrain"
        self.binary.write_text(STAND_IN.format(python=sys.executable, log=str(self.log)))
        self.binary.chmod(self.binary.stat().st_mode | stat.S_IXUSR)

    def run_growth(self, *arguments: str) -> dict:
        results = self.path / "results"
        code = growth.main([*arguments, "--seconds", "1", "--binary", str(self.binary), "--scratch", str(self.path),
                            "--results", str(results)])
        self.assertEqual(code, 0)
        return json.loads((results / f"growth-{arguments[0]}.json").read_text())

    def test_each_value_has_the_median_of_its_runs(self) -> None:
        report = self.run_growth("resident", "--values", "1,100", "--runs", "3")
        self.assertEqual([(point["value"], point["measurement"]["saturation"]["steps_per_second"])
                          for point in report["points"]], [(1, 20), (100, 120)])
        calls = self.log.read_text().splitlines()
        self.assertEqual(len(calls), 6)
        self.assertIn("--window 1", calls[0])
        self.assertIn("--window 100", calls[5])
        for key in ("commit", "postgres", "machine", "settings", "command", "date"):
            self.assertIn(key, report)
        self.assertIn("120", plot.growth(report))
        self.assertEqual([path.name for path in self.path.glob("geartrain-growth-*")], [], "the server's directory")

    def test_a_run_that_fails_is_an_error_and_leaves_nothing(self) -> None:
        self.binary.write_text("#!/bin/sh\nexit 3\n")
        with self.assertRaisesRegex(RuntimeError, "ended with 3"):
            self.run_growth("resident")
        self.assertEqual(list(self.path.glob("geartrain-growth-*")), [])

    def test_the_snapshot_is_held_until_the_end(self) -> None:
        held = ("SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() "
                "AND backend_type = 'client backend'")
        with PrivatePostgres(self.path) as server:
            with HeldSnapshot(server.url):
                self.assertEqual(psql(server.url, "-c", held), ["1"])
                psql(server.url, "-c", "CREATE TABLE later (id integer)")
            self.assertEqual(psql(server.url, "-c", "SELECT count(*) FROM later"), ["0"])


if __name__ == "__main__":
    unittest.main()
