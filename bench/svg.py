"""The few shapes that the plots are made of. Colours are CSS classes, so that a picture follows the reader's colour scheme."""

from __future__ import annotations

from typing import List
from xml.sax.saxutils import escape, quoteattr

# Each class for a light and for a dark scheme. Series colours keep their distance for the colour-blind, too.
COLOURS = {
    "paper": ("#fcfcfb", "#1a1a19"),
    "ink": ("#1f1f1e", "#f4f3ef"),
    "muted": ("#6b6a65", "#a9a8a1"),
    "grid": ("#e4e3de", "#34342f"),
    "s0": ("#2a78d6", "#3987e5"),
    "s1": ("#1baf7a", "#199e70"),
    "s2": ("#c77700", "#d99a1c"),
}

FONT = "font-family: system-ui, -apple-system, 'Segoe UI', sans-serif"


# A halo of the paper's colour keeps lines from running through words.
SHAPES = f"""text{{{FONT};font-size:12px;paint-order:stroke;stroke-width:3px;stroke-linejoin:round}}
.title{{font-size:15px;font-weight:600}}.line{{stroke-width:2}}.thin{{stroke-width:1}}
"""


def style() -> str:
    def rules(which: int) -> str:
        halo = f"text{{stroke:{COLOURS['paper'][which]}}}"
        return halo + "".join(f".{name}{{fill:{both[which]}}}.line.{name}{{stroke:{both[which]};fill:none}}"
                              for name, both in COLOURS.items())

    return f"{SHAPES}{rules(0)}\n@media (prefers-color-scheme: dark){{{rules(1)}}}"


class Svg:
    """A picture of a fixed width that is drawn from top to bottom; its height is known at the end."""

    def __init__(self, width: int, title: str) -> None:
        self.width = width
        self.title = title
        self.parts: List[str] = []

    def text(self, x: float, y: float, words: str, colour: str = "ink", anchor: str = "start", more: str = "") -> None:
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{colour} {more}" text-anchor="{anchor}">'
                          f"{escape(words)}</text>")

    def rectangle(self, x: float, y: float, width: float, height: float, colour: str, words: str = "") -> None:
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height:.1f}" rx="2" '
                          f'class="{colour}">{self._hint(words)}</rect>')

    def dot(self, x: float, y: float, radius: float, colour: str, words: str = "") -> None:
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="{colour}">'
                          f"{self._hint(words)}</circle>")

    def line(self, points: List["tuple[float, float]"], colour: str, more: str = "") -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" class="line {colour} {more}"/>')

    def dashes(self, points: List["tuple[float, float]"], colour: str) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" class="line {colour}" stroke-dasharray="5 4"/>')

    def render(self, height: float) -> str:
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {height:.0f}" width="{self.width}" '
                f'height="{height:.0f}" role="img" aria-label={quoteattr(self.title)}>')
        body = "\n".join(self.parts)
        return (f"{head}\n<title>{escape(self.title)}</title>\n<style>{escape(style())}</style>\n"
                f'<rect width="100%" height="100%" class="paper"/>\n{body}\n</svg>\n')

    @staticmethod
    def _hint(words: str) -> str:
        return f"<title>{escape(words)}</title>" if words else ""
