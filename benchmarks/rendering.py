"""Articles as plain text and as web pages, in the notations that pages use, with furniture around them."""

from collections.abc import Callable, Iterator, Sequence
from html import escape

from benchmarks.articles import Piece, Raised, TrueArticle, TrueBlock, TrueMarker, TrueReference

#: Each of these words stands in one piece of furniture, and nowhere else.
FURNITURE_WORDS = (
    "qxnavone",
    "qxcookie",
    "qxshare",
    "qxrelated",
    "qxfooter",
    "qxauthorbox",
    "qxhidden",
    "qxads",
)
_RAISED = str.maketrans("0123456789-–−+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁻⁺")


def print_numbers(numbers: Sequence[int], *, separator: str = ",", dash: str = "–") -> str:
    """Return numbers as a marker prints them: `1,3–5`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return separator.join(_print_run(run, separator=separator, dash=dash) for run in runs)


def _print_run(run: Sequence[int], *, separator: str, dash: str) -> str:
    if len(run) > 2:
        return f"{run[0]}{dash}{run[-1]}"
    return separator.join(map(str, run))


# --- References in print -----------------------------------------------------------------------------


def vancouver(reference: TrueReference) -> str:
    """Return an entry in the style of medical journals."""
    place = f"{reference.year or ''}" + (f";{reference.volume}" if reference.volume else "")
    place += f"({reference.issue})" if reference.issue else ""
    place += f":{reference.pages}" if reference.pages else ""
    authors = [*reference.authors[:6], *(["et al"] if len(reference.authors) > 6 else [])]
    parts = [", ".join(authors), reference.title, reference.source, place, reference.rest]
    text = " ".join(f"{part.rstrip('.')}." for part in parts if part)
    return f"{text} doi: {reference.doi}" if reference.doi else text


def apa(reference: TrueReference) -> str:
    """Return an entry in the style of the American Psychological Association."""
    authors = ", ".join(_apa_author(author) for author in reference.authors[:6])
    year = f" ({reference.year})." if reference.year else "."
    place = reference.source + (f", {reference.volume}" if reference.volume else "")
    place += f"({reference.issue})" if reference.issue else ""
    place += f", {reference.pages}" if reference.pages else ""
    text = " ".join(part for part in (f"{authors}{year}" if authors else "", f"{reference.title}.") if part)
    text += f" {place}." if place else ""
    text += f" {reference.rest}" if reference.rest else ""
    return f"{text} https://doi.org/{reference.doi}" if reference.doi else text


def _apa_author(author: str) -> str:
    surname, _, given = author.rpartition(" ")
    if not surname or not given.isupper():
        return author
    return f"{surname}, {' '.join(f'{initial}.' for initial in given if initial.isalpha())}"


# --- Plain text --------------------------------------------------------------------------------------


def text_with_brackets(article: TrueArticle) -> bytes:
    """Return an article as text with `[1,3–5]`, references in Vancouver style."""
    return _text(article, lambda numbers: f" [{print_numbers(numbers)}]", vancouver)


def text_with_superscripts(article: TrueArticle) -> bytes:
    """Return an article as text with `¹,³⁻⁵`, references in APA style."""
    return _text(article, lambda numbers: print_numbers(numbers).translate(_RAISED), apa)


def _text(
    article: TrueArticle, mark: Callable[[Sequence[int]], str], cite: Callable[[TrueReference], str]
) -> bytes:
    lines = [article.title, ""]
    for block in article.blocks:
        text = "".join(_text_pieces(block.pieces, mark)).strip().replace("\t", " | ")
        if text:
            lines += [f"- {text}" if block.kind == "list_item" else text, ""]
    if article.references:
        lines += ["References", "", *(f"{one.number}. {cite(one)}" for one in article.references)]
    return "\n".join(lines).encode()


def _text_pieces(pieces: Sequence[Piece], mark: Callable[[Sequence[int]], str]) -> Iterator[str]:
    for at, piece in enumerate(pieces):
        following = pieces[at + 1] if at + 1 < len(pieces) else None
        if isinstance(piece, TrueMarker):
            yield mark(piece.numbers)
        elif isinstance(piece, Raised):
            yield piece.text.translate(_RAISED)
        else:
            yield piece.rstrip(" ") if isinstance(following, TrueMarker) else piece


# --- Web pages ---------------------------------------------------------------------------------------


def html_with_brackets(article: TrueArticle) -> bytes:
    """Return a page whose markers are bare `[1,3–5]` and whose references are an ordered list."""
    entries = "".join(f"<li>{escape(vancouver(one))}</li>" for one in article.references)
    listed = f"<h2>References</h2><ol>{entries}</ol>" if entries else ""
    return _page(article, lambda numbers: f" [{print_numbers(numbers)}]", listed)


def html_with_superscripts(article: TrueArticle) -> bytes:
    """Return a page whose markers are `<sup>1,3-5</sup>` without links; its entries are numbered paragraphs."""
    entries = "".join(f"<p>{one.number}. {escape(apa(one))}</p>" for one in article.references)
    listed = f"<section><h2>References</h2>{entries}</section>" if entries else ""
    return _page(article, lambda numbers: f"<sup>{print_numbers(numbers, dash='-')}</sup>", listed)


def html_with_links(article: TrueArticle) -> bytes:
    """Return a page whose every printed number is a link, in brackets: `[<a>1</a>–<a>3</a>]`."""
    entries = "".join(
        f'<div class="ref" id="ref-{one.number}"><span class="label">{one.number}.</span> <cite>'
        f"{escape(vancouver(one))}</cite> {_finders(one)}</div>"
        for one in article.references
    )
    listed = f'<section id="references"><h2>References</h2>{entries}</section>' if entries else ""
    return _page(article, lambda numbers: f" [{_linked(numbers, 'ref-')}]", listed)


def html_with_raised_links(article: TrueArticle) -> bytes:
    """Return a page whose links are raised: `<sup><a>1</a>,<a>3</a></sup>`; its list has no heading."""
    entries = "".join(f'<li id="B{one.number}">{escape(apa(one))}</li>' for one in article.references)
    listed = f'<ol class="references">{entries}</ol>' if entries else ""
    return _page(article, lambda numbers: f"<sup>{_linked(numbers, 'B')}</sup>", listed)


def html_like_a_wiki(article: TrueArticle) -> bytes:
    """Return a page with one `[n]` for each number, links back from the entries, and a section of notes."""
    entries = "".join(
        f'<li id="cite_note-{one.number}"><span class="mw-cite-backlink">^ <a href="#cite_ref-{one.number}_0">'
        f'<sup><i><b>a</b></i></sup></a> <a href="#cite_ref-{one.number}_1"><sup><i><b>b</b></i></sup></a></span>'
        f' <span class="reference-text">{escape(vancouver(one))}</span></li>'
        for one in article.references
    )
    listed = (
        f'<h2>References</h2><div class="reflist"><ol class="references">{entries}</ol></div>'
        if entries
        else ""
    )
    return _page(article, _wiki_markers, listed)


def _wiki_markers(numbers: Sequence[int]) -> str:
    return "".join(
        f'<sup id="cite_ref-{number}_0" class="reference"><a href="#cite_note-{number}">'
        f"<span>[</span>{number}<span>]</span></a></sup>"
        for number in numbers
    )


def _linked(numbers: Sequence[int], prefix: str) -> str:
    printed = print_numbers(numbers)
    linked, number = "", ""
    for character in f"{printed} ":
        if character.isdigit():
            number += character
            continue
        linked += f'<a href="#{prefix}{number}">{number}</a>{character}' if number else character
        number = ""
    return linked.rstrip()


def _finders(reference: TrueReference) -> str:
    doi = f'<a href="https://doi.org/{escape(reference.doi)}">CrossRef</a> ' if reference.doi else ""
    return f'[{doi}] [<a href="https://scholar.google.com/scholar?q=x">Google Scholar</a>]' if doi else ""


def _page(article: TrueArticle, mark: Callable[[Sequence[int]], str], listed: str) -> bytes:
    navigation, cookie, share, related, footer, author, hidden, ads = FURNITURE_WORDS
    body = "\n".join(_html_block(block, mark) for block in article.blocks)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(article.title)} | Example</title></head><body>
<header class="site-header"><nav><ul><li><a href="/">{navigation}</a></li><li><a href="/b">Topics</a></li></ul></nav>
<form action="/s"><input name="q"><button>Search</button></form></header>
<div class="cookie-banner"><p>We use cookies. {cookie}</p><button>Accept</button></div>
<main><article><h1>{escape(article.title)}</h1>
<div class="share-bar"><a href="/f">Share</a> <a href="/g">{share}</a></div>
<p hidden>{hidden}</p>
{body}
<div class="ad-slot">{ads} Buy now</div>
{listed}
<div class="author-box"><p>Written by {author}, who writes for this site.</p></div>
</article></main>
<aside><h2>Related articles</h2><ul><li><a href="/1">{related}</a></li><li><a href="/2">Another</a></li></ul></aside>
<footer><p>Copyright. {footer}</p></footer></body></html>""".encode()


def _html_block(block: TrueBlock, mark: Callable[[Sequence[int]], str]) -> str:
    inner = "".join(_html_pieces(block.pieces, mark)).strip(" \n")
    if block.kind == "heading":
        level = min(block.level + 1, 6)
        return f"<h{level}>{inner}</h{level}>"
    if block.kind == "list_item":
        return f"<ul><li>{inner}</li></ul>"
    if block.kind == "table_row":
        cells = "".join(f"<td>{cell}</td>" for cell in inner.split("\t"))
        return f"<table><tr>{cells}</tr></table>"
    return f"<p>{inner}</p>"


def _html_pieces(pieces: Sequence[Piece], mark: Callable[[Sequence[int]], str]) -> Iterator[str]:
    for at, piece in enumerate(pieces):
        following = pieces[at + 1] if at + 1 < len(pieces) else None
        if isinstance(piece, TrueMarker):
            yield mark(piece.numbers)
        elif isinstance(piece, Raised):
            yield f"<sup>{escape(piece.text)}</sup>"
        else:
            yield escape(piece.rstrip(" ") if isinstance(following, TrueMarker) else piece)
