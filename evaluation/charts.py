"""Plots as inline SVG that need no script, no font and no colour vision.

Each plot has a title and a description for screen readers; series differ in shape and dash as well as in
colour. Text takes the colour of the page, so light and dark both work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 16, 48
_TICKS = 5

#: Okabe and Ito's palette, told apart with every common colour blindness.
BLUE, ORANGE = "#0072B2", "#D55E00"


@dataclass(frozen=True, slots=True)
class Axes:
    """What a plot shows, and the ranges of both axes."""

    title: str
    description: str
    x_label: str
    y_label: str = ""
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)


Points = Sequence[tuple[float, float]]


def line_plot(axes: Axes, points: Points, *, diagonal: bool = False, markers: bool = False) -> str:
    """Return a plot of one line; `diagonal` adds the line on which both axes are equal, dashed."""
    scale = _Scale(axes)
    parts = []
    if diagonal:
        low, high = axes.x_range
        parts.append(
            f'<path d="{scale.path([(low, low), (high, high)])}" fill="none" stroke="currentColor" '
            'stroke-dasharray="6 5" opacity="0.6"/>'
        )
    if points:
        parts.append(f'<path d="{scale.path(points)}" fill="none" stroke="{BLUE}" stroke-width="2.5"/>')
    if markers:
        parts += [
            f'<circle cx="{scale.x(x):.1f}" cy="{scale.y(y):.1f}" r="5" fill="{BLUE}"/>' for x, y in points
        ]
    return _frame(axes, scale, parts)


def bar_plot(axes: Axes, bars: Sequence[tuple[float, float, float]]) -> str:
    """Return a plot of bars, each (from, to, height); those below zero are orange and outlined."""
    scale = _Scale(axes)
    zero = scale.y(max(0.0, axes.y_range[0]))
    parts = []
    for start, end, height in bars:
        top = scale.y(height)
        style = (
            f'fill="{BLUE}"' if height >= 0 else f'fill="{ORANGE}" stroke="currentColor" stroke-width="0.5"'
        )
        width = max(0.8, scale.x(end) - scale.x(start) - 0.5)
        parts.append(
            f'<rect x="{scale.x(start):.1f}" y="{min(top, zero):.1f}" width="{width:.1f}" '
            f'height="{abs(zero - top):.1f}" {style}/>'
        )
    parts.append(f'<path d="M{_LEFT} {zero:.1f}H{_WIDTH - _RIGHT}" stroke="currentColor"/>')
    return _frame(axes, scale, parts)


def interval_plot(axes: Axes, rows: Sequence[tuple[str, float, float, float]]) -> str:
    """Return one line per row of (name, value, low, high): a dot in its interval."""
    left, row_height = 230, 24
    height = row_height * len(rows) + _BOTTOM

    def x(value: float) -> float:
        low, high = axes.x_range
        return left + (value - low) / (high - low) * (_WIDTH - _RIGHT - left)

    parts = []
    for at, (name, value, low, high) in enumerate(rows):
        y = row_height * (at + 0.5)
        parts.append(
            f'<text x="{left - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(name)}</text>'
            f'<path d="M{x(low):.1f} {y:.1f}H{x(high):.1f}M{x(low):.1f} {y - 5:.1f}v10M{x(high):.1f} {y - 5:.1f}v10" '
            f'stroke="{BLUE}" stroke-width="2" fill="none"/>'
            f'<circle cx="{x(value):.1f}" cy="{y:.1f}" r="4.5" fill="{ORANGE}"/>'
        )
    bottom = row_height * len(rows)
    for tick in _ticks(axes.x_range):
        parts.append(
            f'<path d="M{x(tick):.1f} 0V{bottom}" stroke="currentColor" opacity="0.15"/>'
            f'<text x="{x(tick):.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>'
        )
    label = f'<text x="{(left + _WIDTH) / 2:.0f}" y="{bottom + 38}" text-anchor="middle">{escape(axes.x_label)}</text>'
    return _svg(axes, height, [*parts, label])


class _Scale:
    """From values to places on the drawing."""

    def __init__(self, axes: Axes) -> None:
        self._axes = axes

    def x(self, value: float) -> float:
        low, high = self._axes.x_range
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        low, high = self._axes.y_range
        return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    def path(self, points: Points) -> str:
        return "M" + "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)


def _frame(axes: Axes, scale: _Scale, parts: Sequence[str]) -> str:
    grid = []
    for tick in _ticks(axes.y_range):
        y = scale.y(tick)
        grid.append(
            f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="currentColor" opacity="0.15"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    for tick in _ticks(axes.x_range):
        grid.append(
            f'<text x="{scale.x(tick):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{tick:g}</text>'
        )
    middle = (_HEIGHT - _BOTTOM) / 2
    labels = [
        f'<text x="{(_LEFT + _WIDTH) / 2:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(axes.x_label)}</text>',
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">'
        f"{escape(axes.y_label)}</text>",
    ]
    return _svg(axes, _HEIGHT, [*grid, *parts, *labels])


def _svg(axes: Axes, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(axes.title)}: '
        f'{escape(axes.description)}">{"".join(parts)}</svg>'
    )


def _ticks(limits: tuple[float, float]) -> list[float]:
    low, high = limits
    return [float(f"{low + (high - low) * at / _TICKS:.3g}") for at in range(_TICKS + 1)]
