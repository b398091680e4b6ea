"""Plots as inline SVG that need no script, no font and no colour vision.

Each plot has a title and a description for screen readers; series differ in shape and dash as well as in
colour. Colours are classes that the page's style defines for light and dark; text takes the colour of the page.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

# Small enough that its labels can still be read on a telephone, where it is drawn at about this size.
_WIDTH, _HEIGHT = 420, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 44
_TICKS = 5
_ROW_WIDTH, _ROW_HEIGHT = 120, 18


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
        parts.append(f'<path d="{scale.path([(low, low), (high, high)])}" class="dashed"/>')
    if points:
        parts.append(f'<path d="{scale.path(points)}" class="line"/>')
    if markers:
        parts += [
            f'<circle cx="{scale.x(x):.1f}" cy="{scale.y(y):.1f}" r="4" class="bar"/>' for x, y in points
        ]
    return _frame(axes, scale, parts)


def bar_plot(axes: Axes, bars: Sequence[tuple[float, float, float]]) -> str:
    """Return a plot of bars, each (from, to, height); those below zero are hollow as well as orange."""
    scale = _Scale(axes)
    zero = scale.y(max(0.0, axes.y_range[0]))
    parts = []
    for start, end, height in bars:
        top = scale.y(height)
        gap = 1.0 if scale.x(end) - scale.x(start) > 6 else 0.0  # thin bars without gaps, or they flicker
        width = max(0.5, scale.x(end) - scale.x(start) - gap)
        parts.append(
            f'<rect x="{scale.x(start):.1f}" y="{min(top, zero):.1f}" width="{width:.1f}" '
            f'height="{abs(zero - top):.1f}" class="{"bar" if height >= 0 else "below"}"/>'
        )
    parts.append(f'<path d="M{_LEFT} {zero:.1f}H{_WIDTH - _RIGHT}" class="axis"/>')
    return _frame(axes, scale, parts)


def interval_row(value: float, low: float, high: float, *, limits: tuple[float, float] = (0.0, 1.0)) -> str:
    """Return a dot in its interval, for a table that has the numbers beside it."""
    bottom, top = limits

    def x(at: float) -> float:
        return 5 + (min(max(at, bottom), top) - bottom) / (top - bottom) * (_ROW_WIDTH - 10)

    middle = _ROW_HEIGHT / 2
    zero = f'<path d="M{x(0):.1f} 1V{_ROW_HEIGHT - 1}" class="grid"/>' if bottom < 0 < top else ""
    return (
        f'<svg viewBox="0 0 {_ROW_WIDTH} {_ROW_HEIGHT}" class="row" aria-hidden="true">'
        f'<path d="M5 {middle}H{_ROW_WIDTH - 5}" class="grid"/>{zero}'
        f'<path d="M{x(low):.1f} {middle}H{x(high):.1f}M{x(low):.1f} 4.5v9M{x(high):.1f} 4.5v9" class="line"/>'
        f'<circle cx="{x(value):.1f}" cy="{middle}" r="4" class="dot"/></svg>'
    )


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
    for tick in ticks(axes.y_range):
        y = scale.y(tick)
        grid.append(
            f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" class="grid"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    for tick in ticks(axes.x_range):
        grid.append(
            f'<text x="{scale.x(tick):.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{tick:g}</text>'
        )
    middle = (_HEIGHT - _BOTTOM) / 2
    labels = [
        f'<text x="{(_LEFT + _WIDTH) / 2:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(axes.x_label)}</text>',
        f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">'
        f"{escape(axes.y_label)}</text>",
    ]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(axes.title)}: '
        f'{escape(axes.description)}">{"".join([*grid, *parts, *labels])}</svg>'
    )


def ticks(limits: tuple[float, float]) -> list[float]:
    """Return round numbers within limits, about five, evenly spaced."""
    low, high = limits
    rough = (high - low) / _TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{at * step:.6g}") for at in range(first, last + 1)]
