#!/usr/bin/env python3
"""Makes the pictures of docs/performance.md out of what was measured.

    bench/plot.py [--results bench/results] [--images docs/images]

Reads every JSON file of the folder. The report of `geartrain bench` NAME.json gives NAME-throughput.svg (steps per second by
workload and driver, with the limit and the baseline, on a logarithmic axis) and NAME-latency.svg (p50, p95 and p99, idle and at
half load); a report of bench/growth.py gives NAME.svg. A figure that was not measured is left out. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import math
import pathlib
import sys
from typing import Any, Dict, List, Optional, Tuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from svg import Svg  # noqa: E402

WIDTH = 890
LEFT = 120  # where the axis begins
RIGHT = 740  # and ends
ROW = 18
DRIVERS = {"in-process": "s0", "http": "s1", "python": "s2"}
PERCENTILES = ("p50_ms", "p95_ms", "p99_ms")


def shown(value: float) -> str:
    """Three digits that count, or all of those before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


class LogAxis:
    """Maps values to places between LEFT and RIGHT; begins and ends at powers of ten."""

    def __init__(self, values: List[float]) -> None:
        present = [value for value in values if value > 0] or [1.0]
        self.low = math.floor(math.log10(min(present)))
        self.high = max(math.ceil(math.log10(max(present))), self.low + 1)

    def at(self, value: float) -> float:
        share = (math.log10(max(value, 10.0**self.low)) - self.low) / (self.high - self.low)
        return LEFT + share * (RIGHT - LEFT)

    def ticks(self) -> List[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]

    def draw(self, svg: Svg, top: float, bottom: float, unit: str) -> None:
        for tick in self.ticks():
            svg.line([(self.at(tick), top), (self.at(tick), bottom)], "grid", "thin")
            svg.text(self.at(tick), bottom + 16, f"{tick:,g}", "muted", "middle")
        svg.text(RIGHT, bottom + 34, unit, "muted", "end")


# -- conditions --------------------------------------------------------------------


def conditions(report: Dict[str, Any]) -> str:
    machine = report.get("machine") or {}
    facts = [f"{machine.get('cores', '?')} cores, {machine.get('cpu', 'unknown processor')}",
             f"PostgreSQL {str(report.get('postgres', '?')).split(' ')[0]}", f"commit {str(report.get('commit', '?'))[:10]}"]
    return " · ".join(facts)


def head(title: str, report: Dict[str, Any]) -> Svg:
    svg = Svg(WIDTH, title)
    svg.text(20, 28, title, more="title")
    svg.text(20, 48, conditions(report), "muted")
    return svg


def legend(svg: Svg, entries: List[Tuple[str, str]], y: float) -> None:
    x = 20.0
    for words, colour in entries:
        svg.dot(x + 5, y - 4, 5, colour)
        svg.text(x + 16, y, words)
        x += 40 + 7 * len(words)


def drivers_of(measurements: List[Dict[str, Any]]) -> List[Tuple[str, str]]:
    found = {row["driver"] for row in measurements}
    return [(name, colour) for name, colour in DRIVERS.items() if name in found]


def by_workload(measurements: List[Dict[str, Any]]) -> Dict[str, List[Dict[str, Any]]]:
    groups: Dict[str, List[Dict[str, Any]]] = {}
    for row in measurements:
        groups.setdefault(row["workload"], []).append(row)
    return groups


# -- steps per second ----------------------------------------------------------------


def yardsticks(report: Dict[str, Any]) -> List[Tuple[str, float]]:
    found = [(name, (report.get(name) or {}).get("steps_per_second")) for name in ("baseline", "limit")]
    return [(name, value) for name, value in found if value]


def throughput(report: Dict[str, Any]) -> Optional[str]:
    measured = [row for row in report["measurements"] if row.get("saturation")]
    if not measured:
        return None
    axis = LogAxis([row["saturation"]["steps_per_second"] for row in measured] + [v for _, v in yardsticks(report)])
    svg = head("Steps per second, as much as it takes", report)
    legend(svg, drivers_of(measured), 74)
    top = 112.0
    groups = by_workload(measured)
    bottom = top + sum(ROW * len(rows) + 12 for rows in groups.values())
    axis.draw(svg, top - 6, bottom, "steps per second, logarithmic")
    for name, value in yardsticks(report):
        svg.dashes([(axis.at(value), top - 6), (axis.at(value), bottom)], "muted")
        svg.text(axis.at(value), top - 12, f"{name} {shown(value)}", "muted", "middle")
    y = top
    for name, rows in groups.items():
        svg.text(LEFT - 10, y + ROW * len(rows) / 2 + 4, name, anchor="end")
        for row in rows:
            value = row["saturation"]["steps_per_second"]
            svg.rectangle(LEFT, y + 2, axis.at(value) - LEFT, ROW - 4, DRIVERS.get(row["driver"], "muted"),
                          f"{name}, {row['driver']}: {shown(value)} steps/s")
            svg.text(axis.at(value) + 6, y + ROW - 5, shown(value))
            y += ROW
        y += 12
    return svg.render(bottom + 48)


# -- latency -------------------------------------------------------------------------


def latency_rows(report: Dict[str, Any]) -> List[Tuple[str, str, str, Dict[str, float]]]:
    """Workload, driver, load and figures of everything that was timed."""
    return [(row["workload"], row["driver"], words, row[key]) for row in report["measurements"]
            for key, words in (("idle_latency", "idle"), ("half_load_latency", "half load")) if row.get(key)]


def latency(report: Dict[str, Any]) -> Optional[str]:
    rows = latency_rows(report)
    if not rows:
        return None
    axis = LogAxis([figures[key] for *_, figures in rows for key in PERCENTILES])
    svg = head("Time from a task's creation to its end: p50, p95 and p99", report)
    legend(svg, drivers_of(report["measurements"]), 74)
    top, y, last = 96.0, 96.0, ""
    bottom = top + ROW * len(rows) + 10 * len({workload for workload, *_ in rows})
    axis.draw(svg, top, bottom, "milliseconds, logarithmic")
    for workload, driver, load, figures in rows:
        if workload != last:
            y += 10
            svg.text(20, y + ROW - 5, workload)
            last = workload
        svg.text(LEFT - 10, y + ROW - 5, load if load == "idle" else "half", "muted", "end")
        places = [axis.at(figures[key]) for key in PERCENTILES]
        colour = DRIVERS.get(driver, "muted")
        svg.line([(places[0], y + ROW / 2), (places[-1], y + ROW / 2)], colour)
        for place, key, radius in zip(places, PERCENTILES, (5, 4, 3)):
            svg.dot(place, y + ROW / 2, radius, colour,
                    f"{workload}, {driver}, {load}: {key[:3]} {shown(figures[key])} ms")
        svg.text(RIGHT + 8, y + ROW - 5, " / ".join(shown(figures[key]) for key in PERCENTILES), "muted")
        y += ROW
    return svg.render(bottom + 48)


# -- growth --------------------------------------------------------------------------

Series = List[Tuple[str, float]]


def round_ticks(most: float) -> List[float]:
    """Three to six round values from 0 to at most `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    step = next(power * part for part in (0.2, 0.5, 1, 2) if most / (power * part) <= 5)
    return [step * i for i in range(int(most / step) + 1)]


def panel(svg: Svg, title: str, series: Series, colour: str, top: float, height: float) -> None:
    """One line over evenly spaced values, from zero up; each point with its figure."""
    most = max(value for _, value in series) or 1
    step = (RIGHT - LEFT) / max(1, len(series) - 1)
    svg.text(20, top - 28, title, "muted")
    places = [(LEFT + step * i, top + height * (1 - value / most)) for i, (_, value) in enumerate(series)]
    for tick in round_ticks(most):
        y = top + height * (1 - tick / most)
        svg.line([(LEFT, y), (RIGHT, y)], "grid", "thin")
        svg.text(LEFT - 24, y + 4, f"{tick:,g}", "muted", "end")
    svg.line(places, colour)
    for (x, y), (name, value) in zip(places, series):
        svg.dot(x, y, 4, colour, f"{name}: {shown(value)}")
        svg.text(x, y - 10, shown(value), anchor="middle")
        svg.text(x, top + height + 16, name, "muted", "middle")


def growth(report: Dict[str, Any]) -> str:
    svg = head(f"Cost by {report['axis']}", report)
    names = [f"{point['value']:,g}" if point["value"] < 1e6 else f"{point['value']:,.0f}" for point in report["points"]]
    saturation = [point["measurement"]["saturation"] for point in report["points"]]
    y = 112.0
    for key, title, colour in (("steps_per_second", "steps per second", "s0"),
                               ("server_cpu_us_per_step", "µs of the server's processors a step", "s1"),
                               ("node_cpu_us_per_step", "µs of the node's processors a step", "s2")):
        series = [(name, row[key]) for name, row in zip(names, saturation) if row.get(key) is not None]
        if series:
            panel(svg, title, series, colour, y, 110)
            y += 184
    return svg.render(y - 28)


# -- files ---------------------------------------------------------------------------


def pictures(stem: str, report: Dict[str, Any]) -> Dict[str, str]:
    """File name and text of each picture of a report."""
    if "growth" in report:
        return {f"{stem}.svg": growth(report)}
    drawn = {f"{stem}-throughput.svg": throughput(report), f"{stem}-latency.svg": latency(report)}
    return {name: text for name, text in drawn.items() if text}


def main(arguments: List[str]) -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=pathlib.Path, default=root / "bench" / "results")
    parser.add_argument("--images", type=pathlib.Path, default=root / "docs" / "images")
    options = parser.parse_args(arguments)
    options.images.mkdir(parents=True, exist_ok=True)
    for path in sorted(options.results.glob("*.json")):
        report = json.loads(path.read_text(encoding="utf-8"))
        if "measurements" not in report and "growth" not in report:
            continue
        for name, text in pictures(path.stem, report).items():
            (options.images / name).write_text(text, encoding="utf-8")
            print(options.images / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
