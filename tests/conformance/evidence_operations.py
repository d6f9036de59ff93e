"""What a script says of the traces that tasks leave: audit, events, rows, round trips; and of a node that ends."""

from __future__ import annotations

import json
import re
from typing import Any, Mapping, Optional

from harness import BACKGROUND_OPERATIONS
from matching import mismatch
from stage import Mismatch, Stage, short

# Health is asked of a node by whoever waits for it.
BACKGROUND = BACKGROUND_OPERATIONS | {"ping"}


class EvidenceOperations(Stage):
    """Each do_X is the operation X."""

    # -- audit, events, database -----------------------------------------------------------------------

    def do_audit(self, entry: Mapping[str, Any]) -> None:
        """Rows about a step, newest first; refused reports may be written a little later."""
        task = entry.get("task", "main")
        path = f"/v1/tasks/{self.task_uuid(task)}/workflow_steps/{self.step_uuid(task, entry['audit'])}/audit"

        def probe() -> Optional[str]:
            answer = self.http.call("GET", path)
            if answer.status != 200:
                return f"GET {path}: {answer.status} {short(answer.body)}"
            return mismatch(self.fill(entry["rows"]), answer.body, "audit")

        self.until({"within_s": 10, **entry}, probe)

    def do_events(self, entry: Mapping[str, Any]) -> None:
        """Durable events of the scenario's namespace, oldest first."""
        def probe() -> Optional[str]:
            answer = self.http.call("GET", f"/v1/events?namespace={self.namespace}&limit=1000")
            if answer.status != 200:
                return f"GET /v1/events: {answer.status} {short(answer.body)}"
            rows = answer.body["events"] if isinstance(answer.body, dict) else answer.body
            return mismatch(self.fill(entry["events"]), rows, "events")

        self.until({"within_s": 10, **entry}, probe)

    def do_sql(self, entry: Mapping[str, Any]) -> None:
        try:
            rows = self.node.sql(self.fill(entry["sql"]))
        except AssertionError as error:
            if "error" in entry and re.search(entry["error"], str(error)):
                return
            raise Mismatch(str(error)) from None
        if "error" in entry:
            raise Mismatch(f"the statement was accepted: {rows}")
        if "rows" in entry:
            problem = mismatch(self.fill(entry["rows"]), rows, "rows")
            if problem:
                raise Mismatch(problem)
        if "save" in entry:
            self.vars[entry["save"]] = rows[0][0] if rows else None

    def do_cli(self, entry: Mapping[str, Any]) -> None:
        """A command of the program that works on the database itself, and what it prints as JSON."""
        done = self.node.program(self.fill(entry["cli"]))
        if done.returncode != entry.get("exit", 0):
            raise Mismatch(f"{entry['cli']}: exit code {done.returncode}, {done.stderr or done.stdout}")
        problem = mismatch(self.fill(entry.get("answer", "$any")), json.loads(done.stdout), "answer")
        if problem:
            raise Mismatch(problem)

    def do_measure(self, _entry: Mapping[str, Any]) -> None:
        self._baseline = self.node.round_trips()

    def do_round_trips(self, entry: Mapping[str, Any]) -> None:
        """Since `measure`, exactly these; what the node does by itself is left out."""
        now = self.node.round_trips()
        spent = {name: count - self._baseline.get(name, 0) for name, count in now.items()
                 if count != self._baseline.get(name, 0) and name not in BACKGROUND}
        problem = mismatch(entry["round_trips"], spent, "round trips")
        if problem or set(spent) - set(entry["round_trips"]):
            raise Mismatch(f"round trips {spent}, wanted {entry['round_trips']}")

    def do_restart(self, entry: Mapping[str, Any]) -> None:
        """Ends the node by `kill` or `stop` and starts it again on its data."""
        self.node.kill9() if entry["restart"] == "kill" else self.node.stop()
        self.http.close()
        self.node.start()
