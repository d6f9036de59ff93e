"""What some faults need of the machine: a disk small enough to fill, and a clock that can be stepped for one process."""

from __future__ import annotations

import os
import pathlib
import shutil
import struct
import subprocess
import sys
from typing import Dict, Optional

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from harness import BINARY  # noqa: E402

DISK_BYTES = 384 * 1024 * 1024


class SmallDisk:
    """A file system of its own, in memory, for the data directory of a server. Needs the right to mount."""

    def __init__(self, place: pathlib.Path) -> None:
        self.place = place
        self.ballast = place / "ballast"

    @classmethod
    def mount(cls, place: pathlib.Path) -> Optional["SmallDisk"]:
        """None where it can't be."""
        if os.geteuid() != 0:
            return None
        place.mkdir()
        answer = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=755", "geartrain-test", str(place)],
                                capture_output=True, check=False)
        return cls(place) if answer.returncode == 0 else None

    def fill(self) -> None:
        with self.ballast.open("wb", buffering=0) as file:
            block = bytes(1024 * 1024)
            while True:
                try:
                    if not file.write(block):
                        return
                except OSError:
                    return

    def free(self) -> None:
        self.ballast.unlink(missing_ok=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.place)], capture_output=True, check=False)


class SteppedClock:
    """The wall clock of one process as it can be moved while that runs."""

    def __init__(self, library: pathlib.Path, file: pathlib.Path) -> None:
        self._file = file
        self.step(0)
        self.environment: Dict[str, str] = {"LD_PRELOAD": str(library), "GEARTRAIN_TEST_CLOCK": str(file)}

    def step(self, milliseconds: int) -> None:
        """In place, because the process has the file mapped."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", milliseconds))


def build_clock_library(directory: pathlib.Path) -> Optional[pathlib.Path]:
    """None without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = directory / "clock_shim.so"
    source = pathlib.Path(__file__).with_name("clock_shim.c")
    answer = subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], capture_output=True,
                            check=False)
    return library if answer.returncode == 0 else None


def can_be_loaded(library: pathlib.Path) -> bool:
    """A build with a sanitizer insists on being the first library of its process."""
    answer = subprocess.run([BINARY, "--version"], capture_output=True, check=False, env={**os.environ, "LD_PRELOAD": str(library)})
    return answer.returncode == 0
