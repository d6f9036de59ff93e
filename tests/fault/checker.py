"""Says what must never be, from the evidence of a run. Knows nothing of how it was gathered, so that made-up histories can be shown
to it."""

from __future__ import annotations

import json
import pathlib
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Tuple

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from histories import EXPIRED, NONE, PERMANENT, RETRYABLE, SUCCESS, TIMED_OUT, step_violations, turn_violations  # noqa: E402

from evidence import Evidence, Row, from_json  # noqa: E402
from workflows import Expected, expected  # noqa: E402

NOT_ENDED = "task not ended"
ILLEGAL = "illegal history"
TWICE = "step completed twice"
STALE = "stale token accepted"
SPLIT = "decided from different facts"
LOST = "acknowledged and lost"
INVENTED = "recorded but never sent"
REFUSED = "refused without a reason"
DIED = "node died by itself"
APART = "nodes did not meet again"

KINDS = (NOT_ENDED, ILLEGAL, TWICE, STALE, SPLIT, LOST, INVENTED, REFUSED, DIED, APART)

STATES = ("pending", "initializing", "enqueuing_steps", "steps_in_process", "evaluating_results", "waiting_for_dependencies",
          "waiting_for_retry", "blocked_by_failures", "complete", "error", "cancelled", "resolved_manually")
FINAL = STATES[8:]
DECIDED, BATCHED = 1, 2
STEP_ENDS = {SUCCESS: "complete", PERMANENT: "error"}


@dataclass(frozen=True)
class Violation:
    kind: str
    what: str


Found = Iterator[Violation]


def violations(evidence: Evidence) -> List[Violation]:
    return [*_answers_to_clients(evidence), *(one for task in evidence.accepted for one in _task(evidence, task)),
            *_ledger(evidence)]


def counts(evidence: Evidence) -> Dict[str, int]:
    executions = sum(1 for line in evidence.ledger if line["what"] == "begin")
    yields = {(line["step"], line["nonce"]) for line in evidence.ledger if line["what"] == "end" and _is_yield(line)}
    kept = {(line["step"], line["nonce"]) for line in evidence.ledger if line["what"] == "ack" and line["status"] == "accepted"}
    rows = [row for task in evidence.attempts.values() for row in task if row["outcome"] != NONE]
    counted = sum(1 for row in rows if row["outcome"] not in (EXPIRED, TIMED_OUT)) + len(yields & kept)
    return {
        "tasks": len(evidence.accepted),
        "steps": sum(1 for task in evidence.steps.values() for step in task.values() if step["state"] in ("complete", "error")),
        "attempts": len(rows),
        "executions": executions,
        "repeated_executions": executions - counted,  # those whose outcome did not count
        "expired_leases": sum(1 for row in rows if row["outcome"] == EXPIRED),
        "refused_results": sum(1 for line in evidence.ledger if line["what"] == "ack" and line["status"] == "stale"),
        "refused_but_counted": _refused_but_counted(evidence),
    }


def _refused_but_counted(evidence: Evidence) -> int:
    """A transaction of a node that died may still commit when another node has read the rows without it and has given the step out
    again. Then the first holder was told that it is late, and is the one that counts; the second one loses. Nobody was told
    anything that others must not rely on."""
    refused = {(line["step"], line["nonce"]) for line in evidence.ledger if line["what"] == "ack" and line["status"] == "stale"}
    return sum(1 for task, rows in evidence.attempts.items() for row in rows
               if row["outcome"] not in (NONE, EXPIRED, TIMED_OUT) and (step_of(task, row["step"]), row["lease_nonce"]) in refused)


# -- what clients were told --------------------------------------------------------------


def _answers_to_clients(evidence: Evidence) -> Found:
    for refusal in evidence.refusals:
        yield Violation(REFUSED, refusal)
    for node, code in evidence.ends.items():
        if code != 0:
            yield Violation(DIED, f"{node} ended with {code}")
    if evidence.apart:
        yield Violation(APART, evidence.apart)
    for line in evidence.seen:
        task = evidence.tasks.get(line["task"])
        now = STATES[task["state"]] if task else "not there"
        if line["status"] == "not_found":
            yield Violation(LOST, f"{line['task']}: accepted, and then a node did not know it")
        elif line["status"] in FINAL and line["status"] != now:
            yield Violation(ILLEGAL, f"{line['task']}: a client saw it {line['status']}, and it is {now}")


# -- one task ------------------------------------------------------------------------------


def _task(evidence: Evidence, task: str) -> Found:
    head = evidence.tasks.get(task)
    if head is None:
        yield Violation(LOST, f"{task}: accepted, and not in the database")
        return
    state = STATES[head["state"]]
    if state not in FINAL:
        yield Violation(NOT_ENDED, f"{task}: {state}")
    given = evidence.accepted[task]
    wanted = expected(given["kind"], given["context"])
    rows = evidence.attempts.get(task, [])
    facts = evidence.facts.get(task, [])
    yield from _turns(task, head, rows, facts)
    shown = evidence.steps.get(task, {})
    by_step: Dict[int, List[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["attempt"], row["version"], row["seq"])):
        if row["outcome"] != NONE:
            by_step[row["step"]].append(row)
    yield from _steps(task, shown, by_step, wanted)
    yield from _growth(task, shown, by_step, facts, wanted)
    if state in FINAL:
        yield from _end(task, head, state, shown, wanted)


def _turns(task: str, head: Row, rows: List[Row], facts: List[Row]) -> Found:
    places: Dict[int, List[int]] = defaultdict(list)
    for row in rows:
        places[row["version"]].append(row["seq"])
    for version, taken in sorted(places.items()):
        if sorted(taken) != list(range(len(taken))):
            yield Violation(SPLIT, f"{task}: turn {version} was written by more than one: places {sorted(taken)}")
    for version, seq in _repeated((fact["version"], fact["seq"]) for fact in facts):
        yield Violation(SPLIT, f"{task}: turn {version} has fact {seq} more than once")
    for fact in facts:
        if fact["version"] not in places:
            yield Violation(SPLIT, f"{task}: a fact of turn {fact['version']}, which never was")
    for sentence in turn_violations(task, places, head["version"], head["state"] == 8):
        yield Violation(SPLIT, sentence)


def _steps(task: str, shown: Dict[str, Row], by_step: Dict[int, List[Row]], wanted: Expected) -> Found:
    names = {step["number"]: name for name, step in shown.items()}
    for number, history in by_step.items():
        where = f"{task} step {number} ({names.get(number, 'of no name')})"
        done = [row for row in history if row["outcome"] == SUCCESS]
        if len(done) > 1:
            yield Violation(TWICE, f"{where}: in turns {[row['version'] for row in done]}")
        if number not in names or names[number] not in wanted.parents:
            yield Violation(SPLIT, f"{where}: ran, and should not exist")
            continue
        parents = {parent: by_step.get(shown[parent]["number"], []) if parent in shown else []
                   for parent in wanted.parents[names[number]]}
        for sentence in step_violations(where, history, parents):
            yield Violation(ILLEGAL, sentence)
        last = history[-1]
        end = STEP_ENDS.get(last["outcome"], "waiting" if last["again"] else "error")
        state = shown[names[number]]["state"]
        if end in ("complete", "error") and state != end:
            yield Violation(ILLEGAL, f"{where}: shown as {state}, but its last attempt says {end}")


def _growth(task: str, shown: Dict[str, Row], by_step: Dict[int, List[Row]], facts: List[Row], wanted: Expected) -> Found:
    """What a decision or a batch brought into being follows from the one result that was recorded for it."""
    for fact in facts:
        if fact["kind"] not in (DECIDED, BATCHED):
            yield Violation(ILLEGAL, f"{task}: a fact of kind {fact['kind']}, though no operator was there")
    for name, (kind, what) in wanted.growth.items():
        number = shown.get(name, {}).get("number")
        done = [row for row in by_step.get(number, []) if row["outcome"] == SUCCESS]
        said = [fact for fact in facts if fact["step"] == number]
        if len(said) != len(done):
            yield Violation(SPLIT, f"{task} step {name}: {len(done)} results, but {len(said)} facts about what follows")
            continue
        for row, fact in zip(done, said):
            data = json.loads(fact["data"] or "{}")
            grown = sorted(data.get("create_steps", [])) if kind == "decided" else data.get("count")
            if fact["version"] != row["version"] or grown != what:
                yield Violation(SPLIT, f"{task} step {name}: turn {row['version']} should have {kind} {what}, "
                                       f"turn {fact['version']} {kind} {grown}")


def _end(task: str, head: Row, state: str, shown: Dict[str, Row], wanted: Expected) -> Found:
    ends = {name: step["state"] for name, step in shown.items()}
    if state != wanted.state:
        yield Violation(ILLEGAL, f"{task}: ended {state} instead of {wanted.state}, with steps {ends}")
    elif ends != wanted.ends:
        yield Violation(ILLEGAL, f"{task}: ended {state} with steps {ends} instead of {wanted.ends}")
    said = (head["steps_completed"], head["steps_failed"])
    counted = (sum(1 for end in ends.values() if end == "complete"), sum(1 for end in ends.values() if end == "error"))
    if said != counted:
        yield Violation(SPLIT, f"{task}: its head row counts {said} steps complete and failed, there are {counted}")


# -- against the ledgers -------------------------------------------------------------------


def _ledger(evidence: Evidence) -> Found:
    sent: Dict[Tuple[str, int], Row] = {}
    acks: Dict[Tuple[str, int], List[Row]] = defaultdict(list)
    begun = [line for line in evidence.ledger if line["what"] == "begin"]
    for line in evidence.ledger:
        if line["what"] == "end":
            sent[line["step"], line["nonce"]] = line
        elif line["what"] == "ack":
            acks[line["step"], line["nonce"]].append(line)
    recorded: Dict[Tuple[str, int], Row] = {}
    for task, rows in evidence.attempts.items():
        for row in rows:
            if row["outcome"] != NONE:
                recorded.setdefault((step_of(task, row["step"]), row["attempt"]), row)
                yield from _sent_as_recorded(step_of(task, row["step"]), row, sent)
    for key, answers in acks.items():
        if key in sent:
            yield from _answered(sent[key], answers, recorded, evidence)
    yield from _accepted_once(sent, acks)
    yield from _saw_what_is_recorded(begun, evidence)


def step_of(task: str, number: int) -> str:
    return f"{task[:-4]}{number:04x}"


def _is_yield(line: Row) -> bool:
    return "checkpoint_yield" in line["sent"]


def _sent_as_recorded(step: str, row: Row, sent: Dict[Tuple[str, int], Row]) -> Found:
    """A recorded result is the one that the holder of that very lease sent."""
    where = f"{step} attempt {row['attempt']}"
    if row["outcome"] in (EXPIRED, TIMED_OUT):
        return
    line = sent.get((step, row["lease_nonce"]))
    if line is None or _is_yield(line):
        yield Violation(INVENTED, f"{where}: outcome {row['outcome']} of a lease whose holder sent no result")
        return
    if line["attempt"] != row["attempt"]:
        yield Violation(SPLIT, f"{where}: recorded what was sent for attempt {line['attempt']}")
    success = line["sent"]["success"]
    if success != (row["outcome"] == SUCCESS):
        yield Violation(SPLIT, f"{where}: outcome {row['outcome']}, but the worker sent success: {success}")
    elif success and json.loads(row["result"] or "null") != line["sent"]["result"]:
        yield Violation(SPLIT, f"{where}: result {row['result']}, but the worker sent {line['sent']['result']}")
    elif not success and json.loads(row["error"] or "{}").get("message") != line["sent"]["error"]["message"]:
        yield Violation(SPLIT, f"{where}: error {row['error']}, but the worker sent {line['sent']['error']}")
    elif row["outcome"] == RETRYABLE and not line["sent"]["error"]["retryable"]:
        yield Violation(SPLIT, f"{where}: to be retried, though the worker said that it is not")


def _answered(line: Row, answers: List[Row], recorded: Dict[Tuple[str, int], Row], evidence: Evidence) -> Found:
    where = f"{line['step']} attempt {line['attempt']} of {line['execution']}"
    said = {answer["status"] for answer in answers}
    if "invalid" in said:
        yield Violation(REFUSED, f"{where}: called invalid")
    if _is_yield(line):
        if "accepted" in said:
            yield from _yield_kept(line, answers, evidence, where)
        return
    row = recorded.get((line["step"], line["attempt"]))
    taken = row is not None and row["lease_nonce"] == line["nonce"] and row["outcome"] not in (EXPIRED, TIMED_OUT)
    if said & {"accepted", "duplicate"} and not taken:
        if row is None:
            yield Violation(LOST, f"{where}: answered {sorted(said)}, and nothing is recorded")
        else:
            yield Violation(STALE, f"{where}: answered {sorted(said)}, but outcome {row['outcome']} of another lease or of none counts")


def _yield_kept(line: Row, answers: List[Row], evidence: Evidence, where: str) -> Found:
    """A checkpoint that was accepted is there, unless one that may be later has taken its place."""
    number = int(line["step"][-4:], 16)
    kept = [row for row in evidence.checkpoints.get(line["task"], []) if row["step"] == number]
    if not kept:
        yield Violation(LOST, f"{where}: its checkpoint was accepted, and there is none")
        return
    if kept[0]["lease_nonce"] == line["nonce"]:
        return
    others = [other for other in evidence.ledger if other["what"] == "ack" and other["step"] == line["step"]
              and other["nonce"] == kept[0]["lease_nonce"]]
    if others and min(other["at"] for other in others) < line["at"]:
        yield Violation(LOST, f"{where}: its checkpoint was accepted, but an older one is kept")


def _accepted_once(sent: Dict[Tuple[str, int], Row], acks: Dict[Tuple[str, int], List[Row]]) -> Found:
    """Of all tokens of an attempt, and of all calls with one, exactly one ends it. A token that gave its step back ends nothing.

    Two nodes may both say `accepted` to copies of one result, if neither learned how its own write ended; a node says so once."""
    results: Dict[Tuple[str, int], List[int]] = defaultdict(list)
    for key, answers in acks.items():
        line = sent.get(key)
        if line is None:
            continue
        accepted_by = Counter(answer.get("url") for answer in answers if answer["status"] == "accepted")
        times = max(accepted_by.values(), default=0)
        where = f"{line['step']} attempt {line['attempt']} of {line['execution']}"
        if times > 1:
            yield Violation(STALE if _is_yield(line) else TWICE, f"{where}: accepted {times} times by one node")
        if times and not _is_yield(line):
            results[line["step"], line["attempt"]].append(line["nonce"])
    for (step, attempt), nonces in results.items():
        if len(nonces) > 1:
            yield Violation(STALE, f"{step} attempt {attempt}: results of {len(nonces)} tokens were accepted")


def _saw_what_is_recorded(begun: List[Row], evidence: Evidence) -> Found:
    """Whatever a handler was given of earlier steps is what is recorded of them: two nodes may not go on from different results."""
    truth: Dict[Tuple[str, str], Any] = {}
    for task, shown in evidence.steps.items():
        names = {step["number"]: name for name, step in shown.items()}
        for row in evidence.attempts.get(task, []):
            if row["outcome"] == SUCCESS and row["step"] in names:
                result = json.loads(row["result"] or "null")
                truth[task, names[row["step"]]] = result.get("execution") if isinstance(result, dict) else None
    for line in begun:
        for name, execution in line["saw"].items():
            counts_as = truth.get((line["task"], name))
            if line["task"] in evidence.steps and execution != counts_as:
                yield Violation(SPLIT, f"{line['step']} ({line['name']}): {line['execution']} was given the result of {name} by "
                                       f"{execution}, but that of {counts_as} counts")


def _repeated(keys: Iterator[Tuple[int, int]]) -> List[Tuple[int, int]]:
    return sorted(key for key, count in Counter(keys).items() if count > 1)


def main() -> int:
    """checker.py FILE: looks again at the evidence that a run kept."""
    evidence = from_json(pathlib.Path(sys.argv[1]).read_text())
    found = violations(evidence)
    for one in found:
        print(f"{one.kind}: {one.what}")
    print(counts(evidence), f"{len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
