"""The plots: well-formed pictures in which every figure that was measured can be read."""

import json
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import plot  # noqa: E402

CONDITIONS = {
    "commit": "0123456789abcdef", "postgres": "15.14 (Debian)", "command": "geartrain bench",
    "machine": {"cores": 2, "cpu": "A <fast> & small one"}, "settings": {},
}


def latencies(p50):
    return {"count": 10, "p50_ms": p50, "p95_ms": p50 * 3, "p99_ms": p50 * 7, "max_ms": p50 * 9}


def measurement(workload, driver, rate, idle=None, half=None):
    saturation = {"steps_per_second": rate, "server_cpu_us_per_step": rate / 1000, "node_cpu_us_per_step": None}
    return {"workload": workload, "driver": driver, "saturation": saturation, "idle_latency": idle and latencies(idle),
            "half_load_latency": half and latencies(half)}


REPORT = {
    **CONDITIONS,
    "limit": {"steps_per_second": 98765.4}, "baseline": {"steps_per_second": 432.1}, "commit_latency_ms": 0.31,
    "measurements": [
        measurement("linear-4", "in-process", 23456.7, 2.34, 5.67),
        measurement("linear-4", "http", 8765.4, 4.56),
        measurement("fan-out", "python", 345.6),
        {"workload": "tree", "driver": "python", "skipped": "no Python", "saturation": None},
    ],
}

GROWTH = {
    **CONDITIONS, "growth": "finished", "axis": "finished tasks in the database",
    "points": [{"value": value, "measurement": measurement("linear-4", "in-process", rate)}
               for value, rate in ((0, 20123), (100_000, 19876), (10_000_000, 18765))],
}


def texts(svg):
    """All texts of a picture that is well-formed XML."""
    return [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


class ThroughputTest(unittest.TestCase):
    def test_every_rate_and_both_yardsticks_are_there(self):
        found = texts(plot.throughput(REPORT))
        for expected in ("23,457", "8,765", "346", "limit 98,765", "baseline 432", "linear-4", "fan-out", "in-process"):
            self.assertIn(expected, found)
        self.assertNotIn("tree", found)

    def test_without_yardsticks(self):
        found = texts(plot.throughput({**REPORT, "limit": None, "baseline": None}))
        self.assertIn("23,457", found)
        self.assertFalse([text for text in found if text.startswith(("limit", "baseline"))])

    def test_longer_bars_mean_more(self):
        axis = plot.LogAxis([432.1, 98765.4])
        self.assertLess(axis.at(8765.4), axis.at(23456.7))
        self.assertGreaterEqual(axis.at(432.1), plot.LEFT)
        self.assertLessEqual(axis.at(98765.4), plot.RIGHT)


class LatencyTest(unittest.TestCase):
    def test_every_percentile_is_there(self):
        found = texts(plot.latency(REPORT))
        for p50 in (2.34, 5.67, 4.56):
            self.assertIn(" / ".join(plot.shown(value) for value in (p50, p50 * 3, p50 * 7)), found)

    def test_nothing_timed_gives_no_picture(self):
        self.assertIsNone(plot.latency({**REPORT, "measurements": [measurement("tree", "http", 1.0)]}))


class GrowthTest(unittest.TestCase):
    def test_every_point_is_there(self):
        found = texts(plot.growth(GROWTH))
        for expected in ("0", "100,000", "10,000,000", "20,123", "19,876", "18,765", "20.1", "19.9", "18.8"):
            self.assertIn(expected, found)

    def test_one_point_is_enough(self):
        self.assertIn("20,123", texts(plot.growth({**GROWTH, "points": GROWTH["points"][:1]})))


class FilesTest(unittest.TestCase):
    def test_a_folder_of_results_becomes_a_folder_of_pictures(self):
        with tempfile.TemporaryDirectory() as folder:
            results = pathlib.Path(folder) / "results"
            results.mkdir()
            (results / "bench.json").write_text(json.dumps(REPORT))
            (results / "growth-finished.json").write_text(json.dumps(GROWTH))
            (results / "other.json").write_text("{}")
            images = pathlib.Path(folder) / "images"
            self.assertEqual(plot.main(["--results", str(results), "--images", str(images)]), 0)
            names = sorted(path.name for path in images.iterdir())
            self.assertEqual(names, ["bench-latency.svg", "bench-throughput.svg", "growth-finished.svg"])

    def test_both_colour_schemes_are_provided(self):
        self.assertIn("prefers-color-scheme: dark", plot.throughput(REPORT))

    def test_figures_are_rounded_to_what_counts(self):
        self.assertEqual([plot.shown(value) for value in (0.314, 3.14, 31.4, 314.4, 31415.9)],
                         ["0.31", "3.14", "31.4", "314", "31,416"])


if __name__ == "__main__":
    unittest.main()
