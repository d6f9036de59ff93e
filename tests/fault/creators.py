"""Clients: they create tasks through any node until each is accepted, and look at tasks of others meanwhile."""

from __future__ import annotations

import pathlib
import random
import sys
import threading
import time
from typing import Any, Callable, Dict, List, Optional

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "sdk" / "python"))

from geartrain import ApiError, Client  # noqa: E402

from ledger import Ledger  # noqa: E402
from workflows import KINDS, NAMESPACE, context_for  # noqa: E402

CALL_SECONDS = 6.0
PAUSE_SECONDS = 0.05
BULK = 8


class Creators:
    """Threads that create until `stop`. `accepted` has every task that a node said exists, and what it is."""

    def __init__(self, seed: int, urls: List[str], ledger: Ledger, lease_ms: int, rate: float, threads: int = 3) -> None:
        self.accepted: Dict[str, Dict[str, Any]] = {}
        self.longest_pause = 0.0  # between the first try of a creation and its answer
        self.failures: List[str] = []  # what should never be said to a client
        self._seed, self._urls, self._ledger, self._lease_ms = seed, urls, ledger, lease_ms
        self._interval = threads / rate
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._giving_up = threading.Event()
        self._threads = [threading.Thread(target=self._create, args=(number,)) for number in range(threads)]
        self._threads.append(threading.Thread(target=self._look))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, deadline_seconds: float) -> None:
        """Nothing new; what was begun is carried on until it is accepted."""
        self._stopping.set()
        deadline = time.monotonic() + deadline_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._giving_up.set()
        for thread in self._threads:
            thread.join(2 * CALL_SECONDS)

    def _clients(self) -> List[Client]:
        return [Client(url, timeout=CALL_SECONDS) for url in self._urls]

    # -- creating --------------------------------------------------------------------------

    def _create(self, number: int) -> None:
        chance = random.Random(f"creator/{self._seed}/{number}")
        clients = self._clients()
        count = 0
        while not self._stopping.is_set():
            batch = [self._request(f"{number}-{count + i}", chance) for i in range(BULK if chance.random() < 0.1 else 1)]
            count += len(batch)
            if len(batch) > 1:
                self._until_accepted(batch, lambda: self._bulk(chance.choice(clients), batch))
            else:
                self._until_accepted(batch, lambda: self._one(chance.choice(clients), batch[0]))
            self._stopping.wait(self._interval * len(batch) * chance.uniform(0.5, 1.5))
        for client in clients:
            client.close()

    def _request(self, key: str, chance: random.Random) -> Dict[str, Any]:
        kind = chance.choice(KINDS)
        return {"namespace": NAMESPACE, "name": kind, "context": context_for(kind, chance, self._lease_ms),
                "idempotency_key": f"{self._seed}/{key}"}

    def _until_accepted(self, batch: List[Dict[str, Any]], attempt: Callable[[], Optional[List[str]]]) -> None:
        began = time.monotonic()
        while not self._giving_up.is_set():
            ids = attempt()
            if ids is not None:
                with self._lock:
                    self.longest_pause = max(self.longest_pause, time.monotonic() - began)
                    for task, request in zip(ids, batch):
                        self.accepted[task] = {"kind": request["name"], "context": request["context"]}
                self._ledger.write(*({"what": "accepted", "task": task, "key": request["idempotency_key"]}
                                     for task, request in zip(ids, batch)))
                return
            self._giving_up.wait(PAUSE_SECONDS)

    def _one(self, client: Client, request: Dict[str, Any]) -> Optional[List[str]]:
        fields = {key: value for key, value in request.items() if key not in ("namespace", "name", "context")}
        try:
            return [client.create_task(request["namespace"], request["name"], request["context"], **fields)["task_uuid"]]
        except ApiError as error:
            if error.status == 409:
                return [error.details[0]["task_uuid"]]
            self._judge(error)
            return None

    def _bulk(self, client: Client, batch: List[Dict[str, Any]]) -> Optional[List[str]]:
        try:
            results = client.create_tasks(batch)
        except ApiError as error:
            self._judge(error)
            return None
        ids = []
        for result in results:
            details = (result.get("error") or {}).get("details") or [{}]
            task = result.get("task_uuid") or (details[0].get("task_uuid") if result["status"] == 409 else None)
            if task is None:
                return None
            ids.append(task)
        return ids

    def _judge(self, error: ApiError) -> None:
        """A node may be away or busy; it may not refuse what is right."""
        if 400 <= error.status < 500 and error.status not in (408, 429):
            with self._lock:
                self.failures.append(f"{error.status}: {error}")

    # -- looking ---------------------------------------------------------------------------

    def _look(self) -> None:
        chance = random.Random(f"reader/{self._seed}")
        clients = self._clients()
        while not self._stopping.wait(PAUSE_SECONDS * 2):
            with self._lock:
                tasks = list(self.accepted)
            if not tasks:
                continue
            task = chance.choice(tasks[-50:])
            try:
                status = chance.choice(clients).get_task(task)["status"]
            except ApiError as error:
                if error.status != 404:
                    continue
                status = "not_found"
            self._ledger.write({"what": "seen", "task": task, "status": status})
        for client in clients:
            client.close()
