"""The checker finds every kind of broken history, and nothing in one that is right."""

import copy
import json
import pathlib
import sys
import unittest
from typing import Callable, Dict, Tuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import checker  # noqa: E402
from evidence import from_json  # noqa: E402
from made_up import TASK, History  # noqa: E402

CONTEXTS = {
    "linear": {}, "diamond": {}, "mixed": {}, "retries": {"failures": {"first": 1, "second": 2}}, "doomed": {"permanent": "dies"},
    "exhausted": {"failures": {"gives_up": 1000}}, "decision": {"choose": ["low", "high"]}, "batches": {"batches": 3},
}


def made(kind: str) -> History:
    return History(kind, CONTEXTS[kind])


def unfinished(history: History) -> None:
    history.head()["state"] = 3


def vanished(history: History) -> None:
    del history.evidence.tasks[TASK]


def forgotten(history: History) -> None:
    history.evidence.seen.append({"task": TASK, "status": "not_found"})


def reopened(history: History) -> None:
    history.evidence.seen.append({"task": TASK, "status": "cancelled"})


def ended_otherwise(history: History) -> None:
    history.head().update(state=9)


def attempt_skipped(history: History) -> None:
    history.row("s2")["attempt"] = 2


def parent_skipped(history: History) -> None:
    history.row("s1").update(outcome=3, result=None)


def ran_before_its_parent(history: History) -> None:
    first, second = history.row("s1"), history.row("s2")
    first["version"], second["version"] = second["version"], first["version"]


def attempt_after_the_last(history: History) -> None:
    again = copy.deepcopy(history.row("s4"))
    again.update(attempt=2, version=history.head()["version"] + 1)
    history.rows().append(again)
    history.head()["version"] += 1


def act_of_nobody(history: History) -> None:
    history.evidence.facts[TASK].append({"version": 1, "seq": 0, "kind": 3, "step": 0, "data": None})


def turn_written_twice(history: History) -> None:
    history.rows().append(copy.deepcopy(history.row("s3")))


def fact_written_twice(history: History) -> None:
    history.evidence.facts[TASK].append(copy.deepcopy(history.evidence.facts[TASK][0]))


def turn_missing(history: History) -> None:
    history.rows().remove(history.row("s2"))


def fact_without_a_turn(history: History) -> None:
    history.evidence.facts[TASK][0]["version"] = 77


def decided_otherwise(history: History) -> None:
    history.evidence.facts[TASK][0]["data"] = json.dumps({"create_steps": ["low"]})


def batched_otherwise(history: History) -> None:
    history.evidence.facts[TASK][0]["data"] = json.dumps({"count": 2})


def nobody_decided(history: History) -> None:
    history.evidence.facts[TASK].clear()


def step_of_another_branch(history: History) -> None:
    history.evidence.accepted[TASK]["context"] = {"choose": ["low"]}


def miscounted(history: History) -> None:
    history.head()["steps_completed"] -= 1


def other_result(history: History) -> None:
    history.row("s2")["result"] = json.dumps({"execution": "w9-1"})


def other_outcome(history: History) -> None:
    history.row("dies").update(outcome=1, result="{}", error=None)


def went_on_from_a_loser(history: History) -> None:
    history.lines("begin", "s3")[0]["saw"]["s2"] = "w9-9"


def invented(history: History) -> None:
    history.row("s2")["lease_nonce"] = 4711


def lost(history: History) -> None:
    history.rows().remove(history.row("s4"))
    history.head().update(version=3, state=3)


def checkpoint_lost(history: History) -> None:
    history.evidence.checkpoints[TASK].clear()


def older_checkpoint_kept(history: History) -> None:
    name = "rows_001"
    old = history.lines("ack", name)[0]
    history.execute(name, 1)  # a later run from the start, whose yield was accepted
    assert history.evidence.checkpoints[TASK][0]["lease_nonce"] == old["nonce"]


def stale_accepted(history: History) -> None:
    history.execute("s2", 1)


def expired_accepted(history: History) -> None:
    history.row("s2").update(outcome=4, again=True, result=None)


def accepted_twice(history: History) -> None:
    history.evidence.ledger.append(dict(history.lines("ack", "s2")[0], at=99.0))


def yield_accepted_twice(history: History) -> None:
    history.evidence.ledger.append(dict(history.lines("ack", "rows_001")[0], at=99.0))


def invalid(history: History) -> None:
    history.lines("ack", "s2")[0]["status"] = "invalid"


def refused(history: History) -> None:
    history.evidence.refusals.append("400: no")


def crashed(history: History) -> None:
    history.evidence.ends["n1"] = -11


def apart(history: History) -> None:
    history.evidence.apart = "n1 does not see n2"


# What breaks -> in a task of which kind, and as what it must be found.
BREAKS: Dict[Callable[[History], None], Tuple[str, str]] = {
    unfinished: ("linear", checker.NOT_ENDED),
    vanished: ("linear", checker.LOST),
    forgotten: ("linear", checker.LOST),
    reopened: ("linear", checker.ILLEGAL),
    ended_otherwise: ("linear", checker.ILLEGAL),
    attempt_skipped: ("linear", checker.ILLEGAL),
    parent_skipped: ("linear", checker.ILLEGAL),
    ran_before_its_parent: ("linear", checker.ILLEGAL),
    attempt_after_the_last: ("linear", checker.TWICE),
    act_of_nobody: ("linear", checker.ILLEGAL),
    turn_written_twice: ("linear", checker.SPLIT),
    fact_written_twice: ("decision", checker.SPLIT),
    turn_missing: ("linear", checker.SPLIT),
    fact_without_a_turn: ("decision", checker.SPLIT),
    decided_otherwise: ("decision", checker.SPLIT),
    batched_otherwise: ("batches", checker.SPLIT),
    nobody_decided: ("decision", checker.SPLIT),
    step_of_another_branch: ("decision", checker.SPLIT),
    miscounted: ("linear", checker.SPLIT),
    other_result: ("linear", checker.SPLIT),
    other_outcome: ("doomed", checker.SPLIT),
    went_on_from_a_loser: ("linear", checker.SPLIT),
    invented: ("linear", checker.INVENTED),
    lost: ("linear", checker.LOST),
    checkpoint_lost: ("batches", checker.LOST),
    older_checkpoint_kept: ("batches", checker.LOST),
    stale_accepted: ("linear", checker.STALE),
    expired_accepted: ("linear", checker.STALE),
    accepted_twice: ("linear", checker.TWICE),
    yield_accepted_twice: ("batches", checker.STALE),
    invalid: ("linear", checker.REFUSED),
    refused: ("linear", checker.REFUSED),
    crashed: ("linear", checker.DIED),
    apart: ("linear", checker.APART),
}


class CheckerTest(unittest.TestCase):
    def test_nothing_is_found_where_nothing_is_wrong(self) -> None:
        for kind in CONTEXTS:
            with self.subTest(kind):
                history = made(kind)
                self.assertEqual(checker.violations(history.evidence), [])

    def test_nothing_is_found_in_what_is_unusual_but_right(self) -> None:
        history = made("linear")
        history.execute("s2", 1, status="stale")  # another worker had the step too, and lost
        history.evidence.ledger.append(dict(history.lines("ack", "s3")[0], at=99.0, status="duplicate"))
        history.evidence.ledger.pop(history.evidence.ledger.index(history.lines("ack", "s4")[0]))  # the answer was lost
        self.assertEqual(checker.violations(history.evidence), [])

    def test_an_expired_lease_is_an_attempt(self) -> None:
        history = made("linear")
        for row in history.rows():
            row["version"] += 1 if row["step"] >= 2 else 0
            row["attempt"] += 1 if row["step"] == 2 else 0
        history.rows().append(dict(history.row("s1"), step=2, attempt=1, version=2, outcome=4, again=True, result=None, lease_nonce=5))
        for line in history.lines("end", "s2") + history.lines("ack", "s2") + history.lines("begin", "s2"):
            line["attempt"] = 2
        history.head()["version"] += 1
        self.assertEqual(checker.violations(history.evidence), [])

    def test_every_break_is_found_as_what_it_is(self) -> None:
        for spoil, (kind, found_as) in BREAKS.items():
            with self.subTest(spoil.__name__):
                history = made(kind)
                spoil(history)
                found = checker.violations(history.evidence)
                self.assertIn(found_as, {one.kind for one in found}, found)

    def test_each_kind_of_violation_has_a_break(self) -> None:
        self.assertEqual({found_as for _, found_as in BREAKS.values()}, set(checker.KINDS))

    def test_counts(self) -> None:
        history = made("retries")
        history.execute("third", 1, status="stale")
        self.assertEqual(checker.counts(history.evidence), {
            "tasks": 1, "steps": 3, "attempts": 6, "executions": 7, "repeated_executions": 1, "expired_leases": 0, "refused_results": 1,
            "refused_but_counted": 0})
        history.lines("ack", "first")[0]["status"] = "stale"
        self.assertEqual(checker.counts(history.evidence)["refused_but_counted"], 1)
        self.assertEqual(checker.counts(made("batches").evidence)["repeated_executions"], 0)

    def test_evidence_is_kept_as_text(self) -> None:
        evidence = made("batches").evidence
        self.assertEqual(from_json(evidence.to_json()), evidence)


if __name__ == "__main__":
    unittest.main()
