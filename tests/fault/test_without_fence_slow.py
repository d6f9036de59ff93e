"""The checker finds an engine whose compare-and-swap does not work: of real nodes, from which the fence of turns is taken away."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

RUN = pathlib.Path(__file__).with_name("run.py")
SEED = int(os.environ.get("GEARTRAIN_SEED", "1"))
SEEDS = 4


class WithoutFence(unittest.TestCase):
    def test_it_is_found(self) -> None:
        found = {}
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "result.json"
            for seed in range(SEED, SEED + SEEDS):
                answer = subprocess.run(
                    [sys.executable, str(RUN), "--seed", str(seed), "--seconds", "15", "--deadline", "20", "--without-fence", "--quiet",
                     "--faults", "freeze,kill,isolate_from_nodes,isolate,duplicate,race", "--json", str(file), "--keep", folder],
                    capture_output=True, text=True, check=False, timeout=240)
                self.assertIn(answer.returncode, (0, 1), answer.stdout + answer.stderr)
                found = json.loads(file.read_text())["violations_by_kind"]
                if answer.returncode == 1 and "decided from different facts" in found:
                    break
        print(f"seed {seed}: {found}")
        self.assertIn("decided from different facts", found)


if __name__ == "__main__":
    unittest.main()
