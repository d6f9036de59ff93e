"""What scripts/tally counts, and that nothing that went wrong is counted as passed."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

TALLY = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "tally"
DOCTEST = "[doctest] test cases:  5 |  4 passed | 1 failed | 2 skipped"


def case(name, output, status="run", inner=""):
    return f'<testcase name="{name}" time="1.0" status="{status}">{inner}<system-out>{output}</system-out></testcase>'


class Tally(unittest.TestCase):
    def tally(self, *cases, arguments=()):
        with tempfile.TemporaryDirectory() as folder:
            report = pathlib.Path(folder) / "report.xml"
            report.write_text(f"<testsuite>{''.join(cases)}</testsuite>", encoding="utf-8")
            done = subprocess.run([sys.executable, TALLY, *arguments, report], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout.splitlines()[-1]

    def test_doctest(self):
        self.assertEqual(self.tally(case("unit", DOCTEST)), (1, "4 passed, 1 failed, 2 skipped"))

    def test_unittest(self):
        output = "\nRan 12 tests in 0.1s\n\nOK (skipped=3)\n"
        self.assertEqual(self.tally(case("sdk", output)), (0, "9 passed, 0 failed, 3 skipped"))
        output = "\nRan 12 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n"
        self.assertEqual(self.tally(case("sdk", output)), (1, "9 passed, 3 failed"))

    def test_plain_closing_line(self):
        self.assertEqual(self.tally(case("table", "x\n60 passed, 0 failed\n")), (0, "60 passed, 0 failed"))

    def test_a_program_without_a_closing_line_is_one_test(self):
        self.assertEqual(self.tally(case("check", "fine")), (0, "1 passed, 0 failed"))

    def test_a_crash_is_a_failure_whatever_was_printed(self):
        output = DOCTEST.replace("1 failed", "0 failed")
        self.assertEqual(self.tally(case("unit", output, "fail", "<failure/>"))[0], 1)
        self.assertEqual(self.tally(case("unit", "", "fail", "<failure/>")), (1, "0 passed, 1 failed"))

    def test_a_program_that_could_not_be_run_is_a_failure(self):
        self.assertEqual(self.tally(case("gone", "", "notrun", "<skipped/>")), (1, "0 passed, 1 failed"))

    def test_a_broken_build_is_a_failure(self):
        self.assertEqual(self.tally(case("check", "fine"), arguments=("--broken", "1")), (1, "1 passed, 1 failed"))

    def test_nothing_run_is_a_failure(self):
        self.assertEqual(self.tally(), (1, "0 passed, 0 failed"))

    def test_a_missing_report_is_a_failure(self):
        done = subprocess.run([sys.executable, TALLY, "/nonexistent/report.xml"], capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "0 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main()
