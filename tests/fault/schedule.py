"""Which fault comes when: follows from the seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

DATABASE, LINKS = "database", "links"

# Kind -> what it happens to, how often compared with others, and how long it lasts at least and at most, in seconds.
NODE_FAULTS: Dict[str, Tuple[float, float, float]] = {
    "kill": (3, 0.2, 3),
    "freeze": (3, 1, 60),
    "isolate_from_nodes": (2, 1, 15),
    "isolate_from_database": (2, 1, 15),
    "isolate": (1, 1, 15),
    "reset_in_commit": (3, 0.5, 2),
    "clock_step": (1, 2, 12),
}
DATABASE_FAULTS: Dict[str, Tuple[float, float, float]] = {
    "database_restart": (2, 0.1, 1),
    "failover": (2, 0.1, 1),
    "disk_full": (1, 1, 4),
}
WORKER_FAULTS: Dict[str, Tuple[float, float, float]] = {"kill_worker": (2, 0.1, 1)}

# These the workers do by themselves, all the time.
REPORT_FAULTS = ("duplicate", "delay", "lose", "race")

SCHEDULED = (*NODE_FAULTS, *DATABASE_FAULTS, *WORKER_FAULTS)
ALL = (*SCHEDULED, *REPORT_FAULTS)

# After one thing was hurt it gets so long before the next fault, so that work goes on between faults.
RECOVERY_SECONDS = 2.0

CUTS = ("hold", "drop", "reset")


@dataclass(frozen=True)
class Fault:
    at: float  # seconds after the start
    kind: str
    target: str  # name of a node or worker, or the database
    seconds: float
    mode: str = ""  # of a cut: hold, drop or reset
    amount: int = 0  # bytes until a reset, milliseconds of a clock step


def make(seed: int, seconds: float, nodes: Sequence[str], workers: Sequence[str], kinds: Sequence[str]) -> List[Fault]:
    """Faults of different targets overlap, those of one do not; all end within `seconds`. At least one node is always left alone,
    if there are several: a cluster whose every node is away at once is another test."""
    chance = random.Random(f"schedule/{seed}")
    groups = [(list(nodes), {kind: NODE_FAULTS[kind] for kind in NODE_FAULTS if kind in kinds}),
              ([DATABASE], {kind: DATABASE_FAULTS[kind] for kind in DATABASE_FAULTS if kind in kinds}),
              (list(workers), {kind: WORKER_FAULTS[kind] for kind in WORKER_FAULTS if kind in kinds})]
    choices = [(kind, targets, bounds) for targets, faults in groups for kind, bounds in faults.items() if targets]
    busy_until: Dict[str, float] = {}
    made: List[Fault] = []
    now = chance.uniform(0.5, 1.5)
    while choices and now < seconds - 1:
        kind, targets, (_, least, most) = chance.choices(choices, [weight for _, _, (weight, _, _) in choices])[0]
        target = chance.choice(targets)
        # Short ones are likelier than long ones, but long ones do come.
        lasts = min(least + (most - least) * chance.random() ** 2, max(least, seconds - now - 0.5))
        others = [node for node in nodes if node != target and busy_until.get(node, 0.0) > now]
        spares_one = target not in nodes or len(nodes) == 1 or len(others) + 1 < len(nodes)
        if busy_until.get(target, 0.0) <= now and spares_one and now + lasts <= seconds:
            made.append(Fault(round(now, 3), kind, target, round(lasts, 3), *_details(kind, chance)))
            busy_until[target] = now + lasts + RECOVERY_SECONDS
        now += chance.expovariate(1 / 1.2) + 0.1
    return made


def _details(kind: str, chance: random.Random) -> Tuple[str, int]:
    if kind.startswith("isolate"):
        return chance.choice(CUTS), 0
    if kind == "reset_in_commit":
        return chance.choice(("to_server", "from_server")), int(10 ** chance.uniform(0, 4))
    if kind == "clock_step":
        return "", chance.choice((-1, 1)) * chance.randint(500, 10_000)
    return "", 0
