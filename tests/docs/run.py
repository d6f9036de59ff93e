#!/usr/bin/env python3
"""Runs the pages of docs/concepts: what they show is what happens.

    tests/docs/run.py [PAGE...]

Each page is run on a node of its own kind, in order of its fenced blocks, which are told apart by the words after the fence:

    ```yaml template     is registered
    ```python worker     is what a worker process serves, for the namespaces of the page's templates
    ```python client     is run with `client` (a geartrain.Client), `sql` and `geartrain` (functions that run a statement,
                         and a command of the program); its output goes to
    ```text output       which it must equal, line by line; a `…` in a line stands for anything

Other blocks are for reading only. A page without these four is an error. The last line is `N passed, N failed`.
"""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
import re
import sys
import tempfile
import traceback
from typing import Any, Dict, List, NamedTuple, Optional

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

from harness import ROOT, Node, WorkerProcess, wait_until  # noqa: E402

PAGES = ROOT / "docs" / "concepts"
_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMESPACE = re.compile(r"^namespace_name: *(\w+)", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: the words after the fence, its text, and the line where it starts."""

    kind: str
    text: str
    line: int


def blocks_of(page: pathlib.Path) -> List[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(m[1].strip(), m[2], text.count("\n", 0, m.start()) + 1) for m in _FENCE.finditer(text)]


def difference(wanted: str, got: str) -> Optional[str]:
    """Where the output is not as shown; None if it is."""
    expected, lines = wanted.splitlines(), got.splitlines()
    for number in range(max(len(expected), len(lines))):
        a = expected[number] if number < len(expected) else None
        b = lines[number] if number < len(lines) else None
        pattern = None if a is None else ".*".join(re.escape(part) for part in a.split("…"))
        if pattern is None or b is None or not re.fullmatch(pattern, b):
            return f"line {number + 1} is {b!r}, the page says {a!r}"
    return None


def run_page(page: pathlib.Path, node: Node) -> Optional[str]:
    """What is wrong with a page; None if it tells the truth."""
    blocks = blocks_of(page)
    kinds = [block.kind for block in blocks]
    missing = [kind for kind in ("yaml template", "python worker", "python client", "text output") if kind not in kinds]
    if missing:
        return f"no block ```{missing[0]}"
    namespaces = sorted({name for block in blocks if block.kind == "yaml template" for name in _NAMESPACE.findall(block.text)})
    with tempfile.TemporaryDirectory() as folder, node.client() as client, contextlib.ExitStack() as ended:
        for block in blocks:
            if block.kind == "yaml template":
                client.register_template(block.text)
        handlers = pathlib.Path(folder) / "handlers.py"
        handlers.write_text("\n".join(block.text for block in blocks if block.kind == "python worker"), encoding="utf-8")
        worker = ended.enter_context(WorkerProcess(node, ",".join(namespaces), handlers))
        wait_until("the worker starts", lambda: "polls" in worker.log.read_text() or worker.process.poll() is not None)
        scope: Dict[str, Any] = {"client": client, "sql": node.sql, "wait_until": wait_until,
                                 "geartrain": lambda words: json.loads(node.program(words).stdout)}
        printed = ""
        for block in blocks:
            if block.kind == "python client":
                out = io.StringIO()
                try:
                    with contextlib.redirect_stdout(out):
                        exec(compile("\n" * block.line + block.text, str(page), "exec"), scope)
                except Exception:
                    return f"line {block.line}: {traceback.format_exc(limit=-2)}\noutput so far: {out.getvalue()}\n{worker.log.read_text()[-2000:]}"
                printed = out.getvalue()
            elif block.kind == "text output":
                problem = difference(block.text, printed)
                if problem:
                    return f"line {block.line}: {problem}\nthe output was:\n{printed}"
    return None


def main() -> int:
    pages = [pathlib.Path(name) for name in sys.argv[1:]] or sorted(PAGES.glob("*.md"))
    failed = 0
    with Node("--lease-ms", "2000") as node:
        for page in pages:
            problem = run_page(page, node)
            failed += problem is not None
            print(f"{'FAIL' if problem else 'ok  '} {page.name}" + (f": {problem}" if problem else ""), flush=True)
    print(f"{len(pages) - failed} passed, {failed} failed")
    return 1 if failed or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
