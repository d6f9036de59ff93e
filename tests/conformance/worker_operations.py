"""What a script says of the worker: when and how steps came to it, and what it answers."""

from __future__ import annotations

import datetime
import os
import threading
import time
from typing import Any, List, Mapping, Optional

from http_calls import Http
from matching import mismatch
from scripted_worker import Run
from stage import Mismatch, Stage

# A busy machine may be late by this much; it widens upper bounds only.
SLACK_MS = float(os.environ.get("GEARTRAIN_CONFORMANCE_SLACK_MS", "1500"))


class WorkerOperations(Stage):
    """Each do_X is the operation X."""

    # -- the worker ---------------------------------------------------------------------------------

    def do_worker(self, entry: Mapping[str, Any]) -> None:
        self.worker.start() if entry["worker"] == "start" else self.worker.stop()

    def run_of(self, given: Mapping[str, Any], wait: bool = True) -> Run:
        """The n-th run of a step (1 unless said otherwise), waited for."""
        step, number = given["step"], given.get("run", 1)

        def probe() -> Optional[str]:
            return None if len(self._runs(given)) >= number else f"{step} was dispatched {len(self._runs(given))} times, not {number}"

        if wait:
            self.until(given, probe)
        return self._runs(given)[number - 1]

    def _runs(self, given: Mapping[str, Any]) -> List[Run]:
        found = self.worker.runs_of(given["step"])
        if "task" in given:
            found = [run for run in found if run.payload["task_uuid"] == self.task_uuid(given["task"])]
        return found

    def do_await_run(self, entry: Mapping[str, Any]) -> None:
        """Until the worker got the step (for the n-th time)."""
        given = entry["await_run"]
        self.run_of(given if isinstance(given, dict) else {"step": given})

    def do_finish(self, entry: Mapping[str, Any]) -> None:
        """Ends a held run: `{"finish": {"step": "a", "run": 2, "succeed": …}}`; the name alone succeeds."""
        given = entry["finish"] if isinstance(entry["finish"], dict) else {"step": entry["finish"]}
        outcome = self.worker.report(self.http, self.run_of(given), self.fill(given))
        wanted = entry.get("status", "accepted")
        if outcome["status"] not in (wanted if isinstance(wanted, list) else [wanted]):
            raise Mismatch(f"the result was {outcome}, wanted {wanted}")
        if "answer" in entry:
            problem = mismatch(entry["answer"], outcome)
            if problem:
                raise Mismatch(problem)

    def do_finish_at_once(self, entry: Mapping[str, Any]) -> None:
        """Ends held runs, each by `times` calls of its own, all at the same moment: one of them is accepted, the others are
        duplicates."""
        given, times = entry["finish_at_once"], entry.get("times", 1)
        runs = [self.run_of({"step": step, "task": entry.get("task", "main")}) for step in given]
        barrier = threading.Barrier(len(runs) * times)

        def one(run: Run) -> None:
            http = Http(self.node.url)
            barrier.wait()
            self.worker.report(http, run, {"succeed": {}})
            http.close()

        threads = [threading.Thread(target=one, args=(run,)) for run in runs for _ in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for step, run in zip(given, runs):
            statuses = sorted(report["status"] for report in run.reports)
            if statuses != ["accepted"] + ["duplicate"] * (times - 1):
                raise Mismatch(f"the results of {step} were {statuses}")

    def do_heartbeat(self, entry: Mapping[str, Any]) -> None:
        given = entry["heartbeat"]

        def probe() -> Optional[str]:
            outcome = self.worker.heartbeat(self.http, self.run_of(given), self.fill(given.get("checkpoint")))
            return mismatch(entry.get("answer", {"status": entry.get("status", "extended")}), outcome)

        if entry.get("eventually"):
            return self.until(entry, probe)
        problem = probe()
        if problem:
            raise Mismatch(problem)

    def do_poll(self, entry: Mapping[str, Any]) -> None:
        """The script itself takes steps, by name in any order (or in order, with `ordered`)."""
        runs = self.worker.poll(self.http, **{"wait_ms": 0, **self.fill(entry["poll"])})
        names = [run.name for run in runs]
        wanted = entry.get("names")
        if wanted is not None and (names if entry.get("ordered") else sorted(names)) != (
                wanted if entry.get("ordered") else sorted(wanted)):
            raise Mismatch(f"the poll gave {names}, wanted {wanted}")

    def do_runs(self, entry: Mapping[str, Any]) -> None:
        """What the worker was given and answered: a pattern per run, in order."""
        for step, patterns in entry["runs"].items():
            given = {"step": step, **({"task": entry["task"]} if "task" in entry else {})}
            seen = [run.view() for run in self._runs(given)]
            problem = mismatch(self.fill(patterns), seen, step)
            if problem:
                raise Mismatch(problem)

    def do_order(self, entry: Mapping[str, Any]) -> None:
        """The order in which the worker first got these steps; `{"task": …, "step": …}` or names."""
        firsts = []
        for given in entry["order"]:
            runs = self._runs(given if isinstance(given, dict) else {"step": given})
            if not runs:
                raise Mismatch(f"{given} was never dispatched")
            firsts.append(self.worker.runs.index(runs[0]))
        if firsts != sorted(firsts):
            raise Mismatch(f"dispatched in the order {firsts}")

    def do_delays(self, entry: Mapping[str, Any]) -> None:
        """Milliseconds from the report of a run to the next run. The failure counts from somewhere between sending the report
        and its answer, so the lower bound is compared with the longer time and the upper bound with the shorter."""
        for step, bounds in entry["delays"].items():
            runs = self.worker.runs_of(step)
            if len(runs) != len(bounds) + 1:
                raise Mismatch(f"{step} ran {len(runs)} times, wanted {len(bounds) + 1}")
            for number, (low, high) in enumerate(bounds):
                before, after = runs[number], runs[number + 1]
                longest, shortest = (after.received - t for t in (before.sent, before.answered))
                if longest * 1000 < low:
                    raise Mismatch(f"{step} run {number + 2} came {longest * 1000:.0f} ms after the failure, wanted at least {low}")
                if shortest * 1000 > high + SLACK_MS:
                    raise Mismatch(f"{step} run {number + 2} came {shortest * 1000:.0f} ms after the failure, wanted at most {high}")

    def do_backoff(self, entry: Mapping[str, Any]) -> None:
        """A step waits for its retry after so many attempts, and as long as said (milliseconds, by the node's own times)."""
        step, attempts, (low, high) = entry["backoff"], self.fill(entry["attempts"]), self.fill(entry["ms"])
        task = entry.get("task", "main")

        def probe() -> Optional[str]:
            row = self.view(task, True)["steps"].get(step, {})
            problem = mismatch({"current_state": "waiting_for_retry", "attempts": attempts, "next_retry_at": "$time"}, row, step)
            if problem:
                return problem
            failed = row.get("last_failure_at") or row["results"]["metadata"]["completed_at"]
            delay = (_moment(row["next_retry_at"]) - _moment(failed)) * 1000
            self.vars.setdefault("backoffs", []).append(delay)
            return None if low <= delay <= high else f"{step} waits {delay:.0f} ms, wanted {low} to {high}"

        self.until(entry, probe)

    def do_backoffs_vary(self, _entry: Mapping[str, Any]) -> None:
        """The delays seen by `backoff` are not all the same."""
        if len(set(self.vars.get("backoffs", []))) < 2:
            raise Mismatch(f"no variation in {self.vars.get('backoffs')}")

    def do_most_at_once(self, entry: Mapping[str, Any]) -> None:
        """The most runs of steps with this prefix that were with the worker at a time."""
        prefix, wanted = entry["most_at_once"], entry["count"]
        events = []
        for run in self.worker.runs:
            if run.name.startswith(prefix):
                events += [(run.received, 1), (run.sent or time.monotonic(), -1)]
        most = running = 0
        for _, change in sorted(events):
            running += change
            most = max(most, running)
        problem = mismatch(wanted, most)
        if problem:
            raise Mismatch(f"at once: {problem}")


def _moment(text: str) -> float:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
