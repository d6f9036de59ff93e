"""What bench/growth.sql adds is what the engine would have left: it can be read and searched through the API."""

import pathlib
import subprocess
import unittest

from harness import FINAL, LINEAR, ROOT, Node, WorkerProcess, template, wait_until

HANDLERS = pathlib.Path(__file__).with_name("handlers.py")
COPIES = 500


def add_tasks(url: str, first: int, last: int) -> None:
    variables = {"first": first, "last": last, "total": COPIES, "weeks": 3}
    settings = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *settings, "-f", str(ROOT / "bench" / "growth.sql"), url],
                   check=True, stdout=subprocess.DEVNULL)


class GrowthRows(unittest.TestCase):
    def test_copies_are_whole_tasks_of_past_weeks(self) -> None:
        with Node() as node, node.client() as client:
            client.register_template(template("linear", LINEAR))
            with WorkerProcess(node, "sys", HANDLERS):
                made = client.create_task("sys", "linear", {})["task_uuid"]
                wait_until("the task ends", lambda: client.get_task(made)["status"] in FINAL)
            original = client.get_task(made)
            self.assertEqual(original["status"], "complete")
            add_tasks(node.dsn(), 1, 300)
            add_tasks(node.dsn(), 301, COPIES)

            rows = node.sql("SELECT task_id, created_at < now() - interval '2 weeks' FROM geartrain.tasks "
                            f"WHERE task_id <> '{made}' ORDER BY task_id")
            self.assertEqual(len(rows), COPIES)
            self.assertTrue(any(old == "t" for _, old in rows) and any(old == "f" for _, old in rows))
            counts = node.sql("SELECT (SELECT count(*) FROM geartrain.attempts), (SELECT count(*) FROM geartrain.task_inputs),"
                              " (SELECT count(*) FROM geartrain.identities), (SELECT count(*) FROM geartrain.attempts_default)")
            self.assertEqual(counts, [[str(4 * (COPIES + 1)), str(COPIES + 1), str(COPIES), "0"]])

            for task, _ in (rows[0], rows[-1]):
                copy = client.get_task(task)
                for field in ("status", "namespace", "name", "context", "total_steps", "completed_steps"):
                    self.assertEqual(copy[field], original[field], field)


if __name__ == "__main__":
    unittest.main()
