"""The checks of the house find what they are there for, and nothing else."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check-includes"


class CheckIncludes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for header in ("messages/uuid.hpp", "workflow/turn.hpp", "workflow/templates/parser.hpp", "db/pool.hpp",
                       "actors/intake.hpp", "runtime/node.hpp", "runtime/http/router.hpp", "runtime/api/routes.hpp",
                       "runtime/cluster/transport.hpp", "runtime/cli/top.hpp"):
            self.write(header, "#pragma once\n")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def run_check(self):
        done = subprocess.run([sys.executable, CHECK, "--root", self.root], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    def assert_refused(self, path, text, *expected):
        self.write(path, text)
        status, problems = self.run_check()
        self.assertEqual(status, 1, problems)
        self.assertEqual(len(problems.splitlines()), 1, problems)
        for part in (path, *expected):
            self.assertIn(part, problems)

    def test_every_allowed_direction_passes(self):
        self.write("db/pool.cpp", '#include "db/pool.hpp"\n#include "workflow/turn.hpp"\n#include <libpq-fe.h>\n'
                                  'auto q = "select 1 from t";\n')
        self.write("workflow/templates/parser.cpp", '#include "workflow/turn.hpp"\n#include "messages/uuid.hpp"\n')
        self.write("actors/intake.cpp", '#include "db/pool.hpp"\n#include "workflow/templates/parser.hpp"\n'
                                        '#include <caf/all.hpp>\n#include <vector>\n')
        self.write("runtime/node.cpp", '#include "runtime/api/routes.hpp"\n#include "actors/intake.hpp"\n')
        self.write("runtime/cli/top.cpp", '#include "runtime/node.hpp"\n')
        self.write("tests/unit/any.cpp", '#include "runtime/cli/top.hpp"\n#include "support/help.hpp"\n')
        self.assertEqual(self.run_check(), (0, ""))

    def test_includes_against_the_direction_are_refused(self):
        forbidden = [
            ("messages/uuid.cpp", "workflow/turn.hpp"), ("workflow/turn.cpp", "db/pool.hpp"),
            ("workflow/turn.cpp", "workflow/templates/parser.hpp"), ("db/pool.cpp", "workflow/templates/parser.hpp"),
            ("db/pool.cpp", "actors/intake.hpp"), ("actors/intake.cpp", "runtime/node.hpp"),
            ("runtime/http/router.cpp", "actors/intake.hpp"), ("runtime/http/router.cpp", "runtime/api/routes.hpp"),
            ("runtime/cluster/transport.cpp", "runtime/api/routes.hpp"), ("actors/intake.cpp", "runtime/cluster/transport.hpp"),
            ("runtime/api/routes.cpp", "runtime/node.hpp"), ("runtime/node.cpp", "runtime/cli/top.hpp"),
        ]
        for path, header in forbidden:
            with self.subTest(path=path, header=header):
                self.assert_refused(path, f'#include "{header}"\n', ":1:", header, "must not include")
                (self.root / path).unlink()

    def test_a_header_that_is_not_named_from_the_top_is_refused(self):
        self.assert_refused("db/pool.cpp", '#include "pool.hpp"\n', "top folder")

    def test_a_missing_header_is_refused(self):
        self.assert_refused("db/pool.cpp", '#include "db/gone.hpp"\n', "does not exist")

    def test_only_db_uses_libpq(self):
        self.assert_refused("actors/intake.cpp", "#include <libpq-fe.h>\n", "libpq-fe.h")

    def test_rules_use_no_actors(self):
        self.assert_refused("workflow/turn.cpp", "#include <caf/all.hpp>\n", "caf/all.hpp")

    def test_only_the_cluster_uses_the_network_of_caf(self):
        self.write("runtime/cluster/transport.cpp", "#include <caf/io/all.hpp>\n")
        self.assertEqual(self.run_check(), (0, ""))
        self.assert_refused("actors/intake.cpp", "#include <caf/io/all.hpp>\n", "caf/io/all.hpp")

    def test_sql_outside_db_is_refused(self):
        for text in ('auto q = "select id from tasks";\n', 'auto q = R"(\nUPDATE tasks SET a = 1)";\n',
                     'auto q = R"sql(insert into t values ($1))sql";\n'):
            with self.subTest(text=text):
                self.assert_refused("actors/intake.cpp", text, "SQL")

    def test_words_that_only_look_like_sql_pass(self):
        self.write("actors/intake.cpp", '// select one from these\nauto m = "select a template";\nauto n = "update it";\n')
        self.assertEqual(self.run_check(), (0, ""))

    def test_a_long_file_is_refused(self):
        self.write("actors/intake.cpp", "\n" * 400)
        self.assertEqual(self.run_check(), (0, ""))
        self.assert_refused("actors/intake.cpp", "\n" * 401, "401 lines")

    def test_leftovers_are_refused(self):
        self.assert_refused("actors/intake.cpp", "// TO" + "DO: later\n", "to do")

    def test_an_empty_tree_is_refused(self):
        with tempfile.TemporaryDirectory() as empty:
            done = subprocess.run([sys.executable, CHECK, "--root", empty], capture_output=True, timeout=30)
            self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
