"""How often a line that only looks as if it cited something is taken for a citation.

The lines are those of tests/ingest/marker_traps.txt and, from patterns of health writing, as many again as make 1,500;
each stands alone between real citations of a list of sixty.

Example: .venv/bin/python -m benchmarks.false_markers
"""

import random
import sys
from pathlib import Path

from rich.console import Console

from ingest.canonical import CanonicalTextBuilder
from ingest.markers import find_citations

_TRAPS = Path(__file__).parents[1] / "tests/ingest/marker_traps.txt"
_LINES = 1_500
_LISTED = range(1, 61)
#: {a} < {b} are numbers that the list has.
_BRACKETED = (
    "The 95% CI [{a}, {b}] was wide.",
    "It fell by {a} points (95% confidence interval [{a}, {b}]).",
    "The median was {a} (IQR [{a}, {b}]).",
    "The interquartile range [{a}–{b}] was narrow.",
    "The credible interval [{a}; {b}] excludes zero.",
    "Values range from {a} to {b} [range {a}–{b}].",
    "Uptake of [{a}C]methionine was low.",
    "We injected [{a}F]fluorodopa at noon.",
    "The complex [Fe({a})]{b} is stable.",
    "Index x[{a}] is read before x[{b}].",
    "He said that it hurts [sic] on day {a}.",
    "The dose [{a} mg] was doubled to [{b} mg].",
    "Patients aged [{a}-{b} years] were asked.",
)
_RAISED = (
    "The area was {a} cm² and {b} mm².",
    "The volume was {a} cm³ in {b} women.",
    "Counts were {a} × 10³ and {b} × 10⁶ per litre.",
    "Platelets were {a} × 10⁹/L after {b} days.",
    "The index was {a} kg/m² at {b} weeks.",
    "Heterogeneity was low (I² = {a} %, {b} trials).",
    "The fit was good (R² = 0.{a}) for {b} cases.",
    "Free Ca²⁺ rose by {a} % in {b} cells.",
    "Labelled ¹⁴C and ³H were counted {a} times in {b} vials.",
    "It rose at {a} m/s² for {b} seconds.",
)


def main() -> None:
    """Print the share of false markers; exit 1 when it is above one in a thousand."""
    lines = [(kind, line) for kind in ("brackets", "superscripts") for line in _listed(kind)]
    source = random.Random(20261123)  # noqa: S311  # the same lines every time
    while len(lines) < _LINES:
        kind, patterns = source.choice((("brackets", _BRACKETED), ("superscripts", _RAISED)))
        a, b = sorted(source.sample(_LISTED, 2))
        lines.append((kind, source.choice(patterns).format(a=a, b=b)))
    wrong = [(kind, line) for kind, line in lines if _is_cited(kind, line)]
    for kind, line in wrong:
        Console().print(f"taken for a citation ({kind}): {line}", markup=False)
    share = 1_000 * len(wrong) / len(lines)
    Console().print(f"{len(wrong)} of {len(lines)} lines gave a false marker, {share:.2f} in 1,000")
    sys.exit(len(wrong) * 1_000 > len(lines))


def _listed(kind: str) -> list[str]:
    section = _TRAPS.read_text(encoding="utf-8").split(f"# {kind}\n")[1].split("\n#")[0]
    return [line for line in section.splitlines() if line]


def _is_cited(kind: str, line: str) -> bool:
    builder = CanonicalTextBuilder()
    for number in _LISTED[:30]:
        builder.add("paragraph", _real(kind, number))
    trap = builder.add("paragraph", line)
    for number in _LISTED[30:]:
        builder.add("paragraph", _real(kind, number))
    assert trap is not None
    found = find_citations(builder.text, builder.blocks, numbers=_LISTED)
    return any(trap.start <= citation.start < trap.end for citation in found.citations)


def _real(kind: str, number: int) -> str:
    if kind == "brackets":
        return f"This is known [{number}]."
    return f"This is known.{str(number).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


if __name__ == "__main__":
    main()
