"""The command line, driven as a person would: `geartrain dev` and the verbs that talk to it."""

import contextlib
import json
import os
import subprocess
import unittest

from command_line import BINARY, Dev, SHORT_SECONDS, TEMPLATE, Worker, environment, folder, refuse, run, succeed


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


if __name__ == "__main__":
    unittest.main()
