"""A history in which everything is right, for tests to break."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from evidence import Evidence, Row
from ledger import hash_of
from workflows import expected, run_handler

TASK = "01a21f40-7e6c-7789-92be-9d71150c0000"


class History:
    """One task of a kind, run step by step without any trouble."""

    def __init__(self, kind: str, context: Dict[str, Any]) -> None:
        self.evidence = Evidence(accepted={TASK: {"kind": kind, "context": context}}, ends={"n1": 0})
        self.wanted = expected(kind, context)
        self.numbers = {name: number for number, name in enumerate(self.wanted.parents, 1)}
        self._context = context
        self._version = 0
        self._clock = 0.0
        self._nonce = 0
        self._truth: Dict[str, str] = {}
        rows = self.evidence.attempts.setdefault(TASK, [])
        self.evidence.facts[TASK] = []
        self.evidence.checkpoints[TASK] = []
        for name in self.wanted.parents:
            if self.wanted.ends[name] != "pending":
                self._run(name, rows)
        ends = list(self.wanted.ends.values())
        self.evidence.tasks[TASK] = {
            "task_id": TASK, "state": {"complete": 8, "error": 9}[self.wanted.state], "version": self._version,
            "steps_total": len(ends), "steps_completed": ends.count("complete"), "steps_failed": ends.count("error"), "partition": 1}
        self.evidence.steps[TASK] = {
            name: {"number": self.numbers[name], "state": end, "attempts": sum(1 for row in rows if row["step"] == self.numbers[name])}
            for name, end in self.wanted.ends.items()}
        self.evidence.seen = [{"task": TASK, "status": self.wanted.state}]

    # -- finding one's way ---------------------------------------------------------------

    def row(self, name: str, attempt: int = 1) -> Row:
        return next(row for row in self.evidence.attempts[TASK] if row["step"] == self.numbers[name] and row["attempt"] == attempt)

    def rows(self) -> List[Row]:
        return self.evidence.attempts[TASK]

    def lines(self, what: str, name: str) -> List[Row]:
        return [line for line in self.evidence.ledger if line["what"] == what and line["name"] == name]

    def head(self) -> Row:
        return self.evidence.tasks[TASK]

    # -- making it -----------------------------------------------------------------------

    def _run(self, name: str, rows: List[Row]) -> None:
        checkpoint, attempt = None, 1
        while True:
            sent = self.execute(name, attempt, checkpoint)
            self._version += 1
            nonce = self._nonce
            if "checkpoint_yield" in sent:
                checkpoint = sent["checkpoint_yield"]
                rows.append({"task_id": TASK, "version": self._version, "seq": 0, "step": 0, "attempt": 0, "outcome": 0,
                             "lease_nonce": 0, "again": False, "result": None, "error": None})
                self.evidence.checkpoints[TASK].append(
                    {"task_id": TASK, "step": self.numbers[name], "attempt": attempt, "version": self._version,
                     "lease_nonce": nonce, "yielded": True, "data": json.dumps(checkpoint)})
                continue
            again = not sent["success"] and sent["error"]["retryable"] and not (name == "gives_up" and attempt == 2)
            outcome = 1 if sent["success"] else 2 if again else 3
            rows.append({"task_id": TASK, "version": self._version, "seq": 0, "step": self.numbers[name], "attempt": attempt,
                         "outcome": outcome, "lease_nonce": nonce, "again": again,
                         "result": json.dumps(sent["result"]) if sent["success"] else None,
                         "error": None if sent["success"] else json.dumps(sent["error"])})
            if name in self.wanted.growth:
                self._grow(name)
            if not again:
                return
            attempt += 1

    def _grow(self, name: str) -> None:
        kind, what = self.wanted.growth[name]
        data = {"create_steps": what} if kind == "decided" else {"count": what, "first": 9, "worker_template": "rows"}
        self.evidence.facts[TASK].append({"task_id": TASK, "version": self._version, "seq": 0, "kind": 1 if kind == "decided" else 2,
                                          "step": self.numbers[name], "data": json.dumps(data)})

    def execute(self, name: str, attempt: int, checkpoint: Any = None, status: str = "accepted") -> Dict[str, Any]:
        """A run of a handler, as it stands in the ledger."""
        self._nonce += 1
        execution = f"w1-{self._nonce}"
        number = self.numbers[name]
        facts = {"execution": execution, "task": TASK, "step": f"{TASK[:-4]}{number:04x}", "name": name, "attempt": attempt,
                 "token": hash_of(str(self._nonce)), "nonce": self._nonce}
        inputs = {"cursor": {"start_cursor": 0, "end_cursor": 10}}
        sent = run_handler({"task": {"context": self._context}, "name": name, "attempt": attempt, "inputs": inputs,
                            "template_step_name": "rows" if name.startswith("rows_") else name, "checkpoint": checkpoint}, execution)
        saw = {parent: self._truth[parent] for parent in self.wanted.parents[name]}
        for what, more in (("begin", {"saw": saw, "checkpoint": checkpoint}), ("end", {"sent": sent}), ("ack", {"status": status})):
            self._clock += 1
            self.evidence.ledger.append({"at": self._clock, "what": what, **facts, **more})
        if sent.get("success") and name not in self._truth:
            self._truth[name] = execution
        return sent
