"""What a scenario's script may say: one operation per entry, each a map whose first known key names it."""

from __future__ import annotations

import json
from typing import Any, List, Mapping

from evidence_operations import EvidenceOperations
from geartrain.transport import TransportError
from scripted_worker import Unavailable
from stage import Mismatch, short
from task_operations import TaskOperations
from worker_operations import WorkerOperations


class Performance(TaskOperations, WorkerOperations, EvidenceOperations):
    """One scenario on one node."""

    def run(self) -> None:
        try:
            for document in self.scenario.get("templates", []):
                self.do_register({"register": document})
            if self.scenario.get("worker", True):
                for worker in (self.worker, *self.others):
                    worker.start()
            self.perform(self.scenario["script"])
            if self.worker.problem:
                raise Mismatch(f"the scripted worker: {self.worker.problem}")
        except Mismatch as problem:
            raise Mismatch(f"{self.where}: {problem}") from None
        except (TransportError, Unavailable) as problem:
            raise Mismatch(f"{self.where}: no answer: {problem}") from None
        finally:
            for worker in (self.worker, *self.others):
                worker.stop()
            for connection in self.connections:
                connection.close()

    def perform(self, script: List[Mapping[str, Any]], prefix: str = "") -> None:
        for number, entry in enumerate(script, 1):
            name = operation_of(entry)
            self.where = f"{prefix}{number} {name} {short(entry[name])}"
            if self.worker.problem:
                raise Mismatch(f"the scripted worker: {self.worker.problem}")
            self.http = self.connections[entry.get("on", 1) - 1]
            getattr(self, f"do_{name}")(entry)


OPERATIONS = tuple(name[3:] for name in dir(Performance) if name.startswith("do_"))


def operation_of(entry: Mapping[str, Any]) -> str:
    """The operation that a script entry asks for."""
    names = [key for key in entry if key in OPERATIONS]
    if not names:
        raise ValueError(f"no operation in {json.dumps(entry)}")
    return names[0]
