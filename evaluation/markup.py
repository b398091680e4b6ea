"""The parts that every report is put together from: the page, tables, figures."""

from collections.abc import Iterable, Sequence
from html import escape

_SHORT_CHARS = 24

#: Nothing is fetched, nothing runs.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

# Okabe and Ito's colours, told apart with every common colour blindness; the lighter blue where the page is dark.
_STYLE = """
:root { color-scheme: light dark; --blue: #0072b2; --orange: #d55e00; --faint: rgb(127 127 127 / 12%);
  --line: color-mix(in srgb, currentColor 22%, transparent); }
@media (prefers-color-scheme: dark) { :root { --blue: #56b4e9; --orange: #f0a35e; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 0 auto; padding: 1rem 1rem 4rem; }
body { overflow-wrap: break-word; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; margin: 3rem 0 1rem; border-top: 2px solid; padding-top: 1rem; }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .25rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; list-style: none; }
a { color: inherit; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; }
.tiles { padding: 0; margin: 1rem 0; list-style: none; }
.tiles li { background: var(--faint); border-radius: .5rem; padding: .6rem .8rem; line-height: 1.3; }
.tiles b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.tiles small { display: block; opacity: .8; font-size: .8rem; }
.grid-of-plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 2rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-size: .9rem; }
caption { text-align: left; font-weight: bold; padding: .25rem 0; }
td.short { white-space: nowrap; }
td small, th small { display: block; opacity: .75; white-space: normal; }
.scroll { overflow-x: auto; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
thead th { vertical-align: bottom; }
th small { font-weight: normal; max-width: 30rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
figure { margin: 0 0 1rem; }
svg { display: block; width: 100%; max-width: 36rem; height: auto; fill: currentColor; }
svg text { font: 12px system-ui, sans-serif; }
svg.row { width: 7.5rem; height: 1.1rem; margin-top: .15rem; }
.line { stroke: var(--blue); stroke-width: 2; fill: none; }
.bar { fill: var(--blue); }
.dot { fill: var(--orange); }
.below { fill: none; stroke: var(--orange); stroke-width: 1.5; }
.grid { stroke: var(--line); fill: none; }
.axis { stroke: currentColor; }
.dashed { stroke: currentColor; stroke-dasharray: 5 4; opacity: .6; fill: none; }
details { border-bottom: 1px solid var(--line); }
figure details { border: 0; }
summary { cursor: pointer; padding: .4rem 0; }
.note { opacity: .8; font-size: .9rem; }
.bad { font-weight: bold; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
@media (max-width: 40rem) {
  th, td { padding: .3rem .35rem; }
  table.measures td small, th small { font-size: .75rem; }
  svg.row { width: 4rem; }
}
@media print { details { display: block; } .scroll { overflow: visible; } }
"""


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole page that needs nothing from outside."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<link rel="icon" href="data:,"><title>{text(title)}</title><style>{_STYLE}</style></head>'
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def tiles(facts: Iterable[tuple[str, str, str]]) -> str:
    """Return what matters first, each fact as (value, its name, note)."""
    listed = "".join(
        f"<li><b>{text(value)}</b>{text(name)}<small>{text(note)}</small></li>" for value, name, note in facts
    )
    return f'<ul class="tiles">{listed}</ul>'


def figure(
    plot: str, headings: Sequence[str], rows: Sequence[Sequence[str]], caption: str, *, note: str = ""
) -> str:
    """Return a plot with the table behind it, folded away."""
    said = f'<p class="note">{text(note)}</p>' if note else ""
    return (
        f"<figure><figcaption><h3>{text(caption)}</h3></figcaption>{said}{plot}"
        f"<details><summary>The numbers behind this plot</summary>{table(headings, rows)}</details></figure>"
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str | None = None) -> str:
    """Return a table of texts; a column that holds nothing but numbers is set as such."""
    numeric = [bool(rows) and all(_is_number(row[at]) for row in rows) for at in range(len(headings))]
    head = "".join(
        f'<th scope="col"{_class(numeric[at])}>{text(name)}</th>' for at, name in enumerate(headings)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{_class(numeric[at], cell)}>{text(cell)}</td>" for at, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return framed(f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>", caption=caption)


def framed(content: str, *, caption: str | None = None, kind: str = "") -> str:
    """Return a table around its head and body, which can be scrolled by keyboard where it is too wide."""
    above = f"<caption>{text(caption)}</caption>" if caption else ""
    named = f' class="{kind}"' if kind else ""
    return f'<div class="scroll" tabindex="0"><table{named}>{above}{content}</table></div>'


def text(value: object) -> str:
    """Return anything as text that cannot be taken for markup."""
    return escape(str(value))


def number(value: float | None) -> str:
    """Return a measure to four places, or a dash where it is undefined."""
    return "–" if value is None else f"{value:.4f}"


def _class(is_number: bool, cell: str | None = None) -> str:  # noqa: FBT001  # one cell
    if is_number:
        return ' class="number"'
    return ' class="short"' if cell is not None and len(cell) <= _SHORT_CHARS else ""


def _is_number(cell: str) -> bool:
    return not cell or cell == "–" or cell.lstrip("+-").replace(".", "", 1).isdigit()
