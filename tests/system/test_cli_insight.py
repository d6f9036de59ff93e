"""`geartrain doctor` and `geartrain top`, as a person or a program would use them."""

import json
import os
import subprocess
import threading
import unittest

from harness import BINARY, LINEAR, Node, template


def run(*arguments: str) -> subprocess.CompletedProcess:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GEARTRAIN_")}
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60, env=kept, check=False)


class WithNode(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.node = Node()
        cls.addClassCleanup(cls.node.__exit__)
        cls.node.start()

    def doctor(self, database: str) -> dict:
        done = run("doctor", "--url", self.node.url, "--database-url", database, "--output", "json")
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, done.stderr), (0 if report["ok"] else 1, ""))
        return {check["name"]: check for check in report["checks"]}

    def test_doctor_finds_nothing_wrong(self) -> None:
        found = {name: check["status"] for name, check in self.doctor(self.node.dsn()).items()}
        self.assertEqual(found, dict.fromkeys(["database", "PostgreSQL version", "schema", "fsync", "synchronous_commit",
                                               "clock", "partitions", "node"], "ok"))

    def test_doctor_without_a_database_looks_at_the_node(self) -> None:
        done = run("doctor", "--url", self.node.url)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"database +warn +none is named.*--database-url")
        self.assertRegex(done.stdout, r"node +ok +http://127.0.0.1:\d+ is ready, version")

    def test_doctor_sees_settings_that_lose_data_and_what_is_missing(self) -> None:
        self.node.sql("CREATE DATABASE ailing")
        self.node.sql("ALTER DATABASE ailing SET synchronous_commit = off")
        database = self.node.dsn().replace("dbname=postgres", "dbname=ailing")
        found = self.doctor(database)
        self.assertEqual({name for name, check in found.items() if check["status"] == "fail"}, {"schema", "synchronous_commit"})
        self.assertIn("geartrain migrate", found["schema"]["advice"])
        self.assertNotIn("partitions", found)
        self.assertEqual(run("migrate", "--database-url", database).returncode, 0)
        subprocess.run(["psql", "-qX", database, "-c", "DO $$ DECLARE part text; BEGIN SELECT max(relname) INTO part FROM pg_class "
                        "WHERE relname ~ '^attempts_\\d+$'; EXECUTE 'DROP TABLE geartrain.' || part; END $$"], check=True)
        found = self.doctor(database)
        self.assertEqual((found["schema"]["status"], found["partitions"]["status"]), ("ok", "warn"))
        self.assertRegex(found["partitions"]["found"], r"^missing: attempts_\d{8}$")

    def test_top_shows_a_frame(self) -> None:
        done = run("top", "--url", self.node.url, "--once", "--interval-ms", "200")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line in (r"results/s +[\d.]+", r"database +\d+ connections", r"result_processor +\d+ "):
            self.assertRegex(done.stdout, line)
        self.assertNotIn("\x1b", done.stdout)

    def test_top_counts_what_happens_meanwhile(self) -> None:
        with self.node.client() as client, subprocess.Popen(
                [BINARY, "top", "--url", self.node.url, "--output", "json", "--interval-ms", "100"],
                stdout=subprocess.PIPE, text=True) as watching:
            too_late = threading.Timer(30, watching.kill)
            too_late.start()
            try:
                client.register_template(template("linear", LINEAR))
                frames = (json.loads(line) for line in watching.stdout)
                next(frames)
                client.create_task("sys", "linear", {})
                created = (row["round_trips"] for frame in frames for row in frame["database"]["operations"]
                           if row["name"] == "create_tasks")
                self.assertTrue(any(created))
            finally:
                too_late.cancel()
                watching.kill()


class WithoutNode(unittest.TestCase):
    def test_doctor_says_what_is_wrong(self) -> None:
        done = run("doctor", "--url", "http://127.0.0.1:1", "--database-url", "host=127.0.0.1 port=1 connect_timeout=2")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"database +fail .*--database-url")
        self.assertRegex(done.stdout, r"node +fail .*geartrain node")

    def test_top_without_a_node_ends_with_3(self) -> None:
        done = run("top", "--once", "--url", "http://127.0.0.1:1")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("can't reach", done.stderr)


if __name__ == "__main__":
    unittest.main()
