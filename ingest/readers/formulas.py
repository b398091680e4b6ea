"""Formulas on one line of text: MathML read out in reading order, TeX as it is written."""

import re
from typing import Final

from lxml import etree

from ingest.readers.superscripts import is_raisable, raise_text

_TEX_BODY: Final = re.compile(r"\\begin\{document\}(.*)\\end\{document\}", re.DOTALL)
_SPACED_OPERATORS: Final = frozenset("=<>≤≥≈≠±+−×÷·∼∝→←⇒∈")
#: Children of these are the base and what is above or below it.
_SCRIPTED: Final = {"msup": "^", "msub": "_", "mover": "^", "munder": "_"}


def formula_text(element: etree._Element) -> str:
    """Return a formula of JATS or HTML as text, empty when there is only an image of it.

    MathML is preferred to TeX, and TeX to the text around; `element` may be the formula, its `math` or
    a list of alternatives.
    """
    math = next(element.iter("math"), None)
    if math is not None:
        return _linear(math)
    tex = next(element.iter("tex-math"), None)
    if tex is not None:
        source = "".join(map(str, tex.itertext()))
        match = _TEX_BODY.search(source)
        return _without_dollars(match[1] if match else source)
    return " ".join("".join(map(str, element.itertext())).split())


def _without_dollars(source: str) -> str:
    return " ".join(source.replace("$$", " ").strip().strip("$").split())


def _linear(element: etree._Element) -> str:
    name = str(element.tag)
    children = [child for child in element if isinstance(child.tag, str)]
    if name in {"annotation", "annotation-xml"}:
        return ""
    if name == "mfrac" and len(children) == 2:
        return "/".join(_grouped(_linear(child)) for child in children)
    if name in _SCRIPTED and len(children) == 2:
        return _scripted(_linear(children[0]), _SCRIPTED[name], _linear(children[1]))
    if name in {"msubsup", "munderover"} and len(children) == 3:
        base = _scripted(_linear(children[0]), "_", _linear(children[1]))
        return _scripted(base, "^", _linear(children[2]))
    if not children:
        return _token(name, "".join((element.text or "").split()) if name != "mtext" else element.text or "")
    separator = " " if name in {"mtr", "mtable"} else ""
    text = " ".join(separator.join(map(_linear, children)).split())
    return f"√{_grouped(text)}" if name == "msqrt" else text


def _token(name: str, text: str) -> str:
    return f" {text} " if name == "mo" and text in _SPACED_OPERATORS else text


def _scripted(base: str, sign: str, script: str) -> str:
    if not script.strip():
        return base
    if sign == "^" and is_raisable(script):
        return base + raise_text(script)
    return f"{base}{sign}{_grouped(script)}"


def _grouped(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 1 or text.isalnum() else f"({text})"
