"""`python -m geartrain.worker --url http://127.0.0.1:8080 --namespace billing my_handlers`"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import logging
import os
import pathlib
import sys
from typing import List, Optional

from ..handlers import default_registry
from .worker import Worker


def main(arguments: Optional[List[str]] = None) -> int:
    """Exit code: 0 after an orderly end, 1 when something that ran could not be delivered, 2 for wrong usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(
        level=options.log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    given = options.namespace or [os.environ.get("GEARTRAIN_NAMESPACES", "")]
    namespaces = [name for part in given for name in part.split(",") if name]
    if not namespaces:
        parser.error("--namespace is required")
    if "" not in sys.path:
        sys.path.insert(0, "")
    for module in options.module:
        load(module)
    try:
        worker = Worker(
            options.url,
            namespaces,
            concurrency=options.concurrency,
            worker_id=options.worker_id,
            poll_wait_ms=options.poll_wait_ms,
            drain_seconds=options.drain_seconds,
        )
    except ValueError as error:
        parser.error(str(error))
    handlers = len(default_registry)
    print(f"geartrain worker {worker.worker_id} polls {options.url} with {handlers} handlers", flush=True)
    return 0 if worker.run() else 1


def load(module: str) -> None:
    """Imports a module by its dotted name or by the path of its file; its handlers register themselves."""
    path = pathlib.Path(module)
    if path.suffix != ".py":
        importlib.import_module(module)
        return
    spec = importlib.util.spec_from_file_location(f"handlers_of_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"no such file: {module}")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)


def _parser() -> argparse.ArgumentParser:
    env = os.environ.get
    parser = argparse.ArgumentParser(prog="geartrain.worker", description="Run step handlers.")
    add = parser.add_argument
    add("module", nargs="+", help="modules with handlers: dotted names or files")
    add("--url", default=env("GEARTRAIN_URL", "http://127.0.0.1:8080"), help="a node (GEARTRAIN_URL)")
    add("--namespace", action="append",
        help="namespace to serve, repeatable or with commas (GEARTRAIN_NAMESPACES)")
    add("--concurrency", type=int, default=env("GEARTRAIN_CONCURRENCY", "4"),
        help="steps that run at a time (GEARTRAIN_CONCURRENCY)")
    add("--worker-id", default=env("GEARTRAIN_WORKER_ID"), help="default: host, process, random (GEARTRAIN_WORKER_ID)")
    add("--poll-wait-ms", type=int, default=20000, help="how long an idle poll waits in the node")
    add("--drain-seconds", type=float, default=30.0, help="how long running steps may take after SIGTERM")
    add("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    return parser


if __name__ == "__main__":
    sys.exit(main())
