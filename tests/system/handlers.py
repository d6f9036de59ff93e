"""The one handler of the system tests. Each execution is written to a ledger file, outside of node and database."""

import json
import os
import threading
import time

from geartrain import Context, RetryableError, handler

LEDGER = os.environ.get("GEARTRAIN_LEDGER")
_lock = threading.Lock()


def _note(context: Context, what: str) -> None:
    if not LEDGER:
        return
    line = json.dumps({"what": what, "task": context.task_uuid, "step": context.step_uuid, "attempt": context.attempt,
                       "at": time.time(), "pid": os.getpid()})
    with _lock, open(LEDGER, "a", encoding="utf-8") as ledger:
        ledger.write(line + "\n")


@handler("sys.step")
def step(context: Context) -> object:
    """Runs as long as `run_ms` of the task says, and fails its first `failures` attempts."""
    _note(context, "begin")
    run_ms = context.get_input_or("run_ms", 0)
    if run_ms:
        threading.Event().wait(run_ms / 1000)
    if context.attempt <= context.get_input_or("failures", 0):
        _note(context, "fail")
        raise RetryableError("failing as told")
    _note(context, "end")
    return {"step": context.step_uuid, "attempt": context.attempt, "parents": sorted(context.get_dependency_result_keys())}
