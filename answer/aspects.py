"""Which aspects of its subject a question asks for (a dose, a price, its storage, ...), and which sentences show them.

A near miss names the right subject and asks for something that the documents do not say of it. Vectors of whole
sentences hardly tell: "maximum dose of tizanidine" lies close to everything about tizanidine. What is missing is
a sentence near the question that has the signs of a dose. `aspects.toml` lists aspects and their signs.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

_DATA = "aspects.toml"
#: What the names in braces stand for.
_PARTS = {
    "number": r"(?:\d[\d.,]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty"
    r"|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|half|dozens?|few|several|couple)",
    "time": r"(?:seconds?|minutes?|mins?|hours?|hrs?|days?|nights?|weeks?|months?|years?|decades?)",
    "unit": r"(?:mg|mcg|µg|g|grams?|milligrams?|micrograms?|ml|litres?|liters?|iu|units?|tablets?|pills?|capsules?"
    r"|cups?|glass(?:es)?|drops?|teaspoons?)",
}


@dataclass(frozen=True)
class Aspect:
    """Something that can be asked for: how questions ask for it, and its signs in a sentence."""

    name: str
    asked: re.Pattern[str]
    signs: tuple[str, ...]

    @cached_property
    def shown(self) -> re.Pattern[str]:
        """The signs, compiled when a question first asks for this."""
        return _words(self.signs)


def asked_aspects(question: str) -> tuple[Aspect, ...]:
    """Return the aspects that a question asks for, in the order of the list; most questions ask for one or none."""
    return tuple(aspect for aspect in all_aspects() if aspect.asked.search(question))


@cache
def all_aspects() -> tuple[Aspect, ...]:
    """Return every aspect of the packaged list."""
    tables = tomllib.loads(files("answer").joinpath(_DATA).read_text(encoding="utf-8"))
    return tuple(_aspect(name, table) for name, table in tables.items())


def _aspect(name: str, table: Mapping[str, list[str]]) -> Aspect:
    both = table.get("both", [])
    return Aspect(name, _words([*both, *table.get("asked", [])]), (*both, *table.get("shown", [])))


def _words(patterns: Sequence[str]) -> re.Pattern[str]:
    joined = "|".join(patterns)
    for part, pattern in _PARTS.items():
        joined = joined.replace(f"{{{part}}}", pattern)
    return re.compile(rf"(?<!\w)(?:{joined})(?!\w)", re.IGNORECASE)
