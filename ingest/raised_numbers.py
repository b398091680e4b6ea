"""Whether a raised number can be a power, unit, charge or isotope rather than a citation marker.

A part of `notations`. What stands before the number decides most cases. The rest it leaves to the document,
which cites its list in ascending order: that is what `Doubt` asks for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Doubt(IntEnum):
    """What has to speak for something written like a marker; more is asked of higher values."""

    NONE = 0
    ORDER = 1  # its numbers must not run ahead of what the document has cited so far
    TURN = 2  # it must be the turn of exactly these numbers, and no other marker cites them
    REFUSED = 3  # it is no marker whatever the document says


Ranges = Sequence[tuple[int, int]]

_RAISED = "⁰¹²³⁴-⁹⁺⁻⁼⁽⁾ⁿ₀-₉"
_SIGN_BEFORE = re.compile(rf"[{_RAISED}/⁄−+^–-]$")
_GLUED_AFTER = re.compile(rf"[A-Za-zα-ωΑ-Ω0-9{_RAISED}ᴬ-ᵪᶛ-ᶿʰ-ʸªº⁄/+]|[−–-](?![A-Za-z]{{2}}|\s)")
_NEXT_SENTENCE = re.compile(r"[A-Z](?:[a-z]|\s)")
_ENDS_AFTER = re.compile(r"$|[\s.,;:!?)\]\"'”’»—|]")
_BREAKS = frozenset(
    " \t\n\u00a0\u2009\u202f()[]{},;:<>=≥≤~≈±×*·∙⋅/|“”\"'’—–−+^"
)  # what parts a name from the text
_OPERATORS = frozenset("×*·∙⋅^−+±")
_PRODUCT_BEFORE = frozenset("/×*·∙⋅^")
_YEAR = re.compile(r"(?:19|20)\d\d")
_DATE_BEFORE = re.compile(
    r"\b(?:in|since|by|until|till|of|from|to|year|years|and|during|between|after|before|January|February|March"
    r"|April|May|June|July|August|September|October|November|December)\s$",
    re.IGNORECASE,
)
_PER_BEFORE = re.compile(r"(?:\d\s?|\b(?:per|sq|square|cubic|an?)\.?\s)$", re.IGNORECASE)

_LENGTH_WORDS = """
    m km hm cm dm mm nm pm μm µm um å ft in yd mi inch inches foot feet metre metres meter meters mile miles yard
    yards centimetre centimetres centimeter centimeters millimetre millimetres millimeter millimeters kilometre
    kilometres kilometer kilometers micron microns pixel pixels px voxel voxels
"""
_UNIT_WORDS = """
    s ms μs µs sec secs second seconds min mins minute minutes h hr hrs hour hours d day days wk week weeks mo month
    months y yr yrs year years g kg mg μg µg ng l ml dl μl µl mol mmol mv μv µv uv v hz khz mhz pa kpa mmhg db w n j
    k kj kcal cal degree degrees ha mgy gy sv msv bq ci
"""
#: Quantities that formulas and regressions square and cube.
_QUANTITY_WORDS = """
    height weight age time dose length width depth radius diameter distance mass speed velocity bmi sd se sem cv
    error errors residual residuals deviation deviations difference differences delta sigma chi eta rho omega tau
    lambda temperature
"""
_ELEMENT_SYMBOLS = """
    H B C N O F P S K V Y I W U He Li Be Ne Na Mg Al Si Cl Ar Ca Sc Ti Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr
    Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta Re Os Ir Pt
    Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa Np Pu Am Cm
"""
_LENGTHS = frozenset(_LENGTH_WORDS.split())
_UNITS = _LENGTHS | frozenset(_UNIT_WORDS.split())
_QUANTITIES = frozenset(_QUANTITY_WORDS.split())
_ELEMENTS = frozenset(_ELEMENT_SYMBOLS.split())
_FUNCTIONS = frozenset({"log", "ln", "lg", "exp", "sin", "cos", "tan", "sq", "sqrt", "logit", "det", "e"})
_OXIDE = re.compile(
    r"(?:[pP]|Sp|Sa|Sv|Pa|Pv|Pc|Fi|Et|ET|[VCNSH]|PaC|PvC|PC|pC|P[Ee][Tt]C|Si|Ti|Mn|Fe|Al|Zn)?O|[CN]H"
)
_CORRECTED_R = re.compile(r"[a-z]+R")
_NAMES_BEFORE = re.compile(
    r"\b(?:vitamins?|hepatitis|types?|groups?|factors?|influenza|class|grades?|phases?|stages?|arms?|proteins?"
    r"|coenzyme|immunoglobulin|toxin|streptococcus|category|levels?|cohorts?|study|trials?|part|step|waves?"
    r"|versions?|interleukin|model|panel|appendix|chapter|section)\s$",
    re.IGNORECASE,
)
_VITAMIN_BEFORE = re.compile(r"\bvitamins?\s$", re.IGNORECASE)
_VITAMINS = {"B": frozenset({1, 2, 3, 5, 6, 7, 9, 12}), "D": frozenset({2, 3}), "K": frozenset({1, 2, 3, 7})}
_ISOFORMS = range(36, 44)  # of amyloid β, often raised
_LONGEST_LIST_IN_DOUBT = 20  # a longer range after a bare name is a fragment of a peptide
_CALCULATED = re.compile(r"/\s?\([^()]*\)$|\([^()]*(?:\s[−–/-]\s|[+−×*^·]|\b\w\s?/\s?\w)[^()]*\)$")
_GROUPED = re.compile(r"\((?:[^()]*\s)?(\w+)\)$")


@dataclass(frozen=True, slots=True)
class _Base:
    """The characters that a raised number is glued to, as far back as no space or sign parts them."""

    token: str
    lead: str  # the character before it, "" at the start
    context: str  # all that stands before the token
    in_table: bool

    @property
    def is_factor(self) -> bool:
        """Whether a slash or a sign of multiplication stands before it."""
        return bool(self.lead) and self.lead in _PRODUCT_BEFORE


def judge_raised(before: str, after: str, ranges: Ranges, *, in_table: bool = False) -> Doubt:
    """Say what has to speak for a raised number before it counts as a marker.

    Args:
        before: The text before it, at least the last words.
        after: The text after it.
        ranges: What it stands for; each range is its first and last number.
        in_table: Whether it stands in a row of a table, where raised numbers after figures are footnotes.
    """
    if _SIGN_BEFORE.search(before) or _goes_on(before, after):
        return Doubt.REFUSED
    spaced = before.endswith(" ")
    before = before.removesuffix(" ")
    token = _token_of(before)
    context = before[: len(before) - len(token)]
    base = _Base(token, context[-1:], context, in_table)
    doubt = _judge(base, ranges)
    if spaced:
        return doubt if doubt is Doubt.REFUSED and _is_measure(base, ranges) else Doubt.NONE
    unclear = doubt in (Doubt.ORDER, Doubt.TURN) and not _ENDS_AFTER.match(after)
    return Doubt.REFUSED if unclear else doubt


def _goes_on(before: str, after: str) -> bool:
    opens_sentence = before.endswith((".", "!", "?")) and _NEXT_SENTENCE.match(after)
    return _GLUED_AFTER.match(after) is not None and not opens_sentence


def _token_of(before: str) -> str:
    at = len(before)
    while at and before[at - 1] not in _BREAKS:
        at -= 1
    return before[at:]


def _is_measure(base: _Base, ranges: Ranges) -> bool:
    """Say whether a number one space further on still belongs to what is before it: "5 cm ²", "10 ⁶", "R ²"."""
    return (
        base.token.endswith("10")
        or (_highest(ranges) <= 3 and not base.token.isdecimal())
        or (base.is_factor and _highest(ranges) <= 9)
    )


def _highest(ranges: Ranges) -> int:
    return max(high for _, high in ranges)


def _is_list(ranges: Ranges) -> bool:
    return len(ranges) > 1 or ranges[0][0] < ranges[0][1]


def _judge(base: _Base, ranges: Ranges) -> Doubt:
    if not base.token:
        return _judge_after_sign(base, ranges)
    if ranges[0][0] == 1 and ranges[0][1] > _LONGEST_LIST_IN_DOUBT and not base.token.islower():
        return Doubt.REFUSED
    if not base.token[-1].isalnum() or base.lead in "'’":
        return Doubt.NONE
    if not base.token[-1].isdecimal():
        return _judge_after_letter(base, ranges)
    has_letter = any(letter.isalpha() for letter in base.token)
    return _judge_after_name(base, ranges) if has_letter else _judge_after_number(base, ranges)


def _judge_after_sign(base: _Base, ranges: Ranges) -> Doubt:
    """Judge what follows a bracket, a quote, a dash ...: only a bracket that was calculated is squared."""
    if _highest(ranges) > 3 or not base.context.endswith(")"):
        return Doubt.NONE
    grouped = _GROUPED.search(base.context)
    inner = grouped[1].lower() if grouped else ""
    is_unit = inner in _LENGTHS or (len(inner) == 1 and inner.isalpha())
    return Doubt.REFUSED if is_unit or _CALCULATED.search(base.context) else Doubt.NONE


# --- After digits ------------------------------------------------------------------------------------


def _judge_after_number(base: _Base, ranges: Ranges) -> Doubt:
    if _YEAR.fullmatch(base.token) and base.lead not in _OPERATORS:
        is_date = _DATE_BEFORE.search(base.context) is not None
        if is_date or (_highest(ranges) > 3 and not base.token.endswith("10")):
            return Doubt.ORDER
        return Doubt.REFUSED if base.token.endswith("10") else Doubt.TURN
    if base.token.endswith("10") or base.in_table or base.lead in _OPERATORS:
        return Doubt.REFUSED
    if len(base.token) == 1 and base.lead != ",":
        return _judge_after_digit(base, ranges)
    if _is_list(ranges) or _highest(ranges) >= 10:
        return Doubt.ORDER
    return Doubt.TURN if _highest(ranges) > 3 else Doubt.REFUSED


def _judge_after_digit(base: _Base, ranges: Ranges) -> Doubt:
    if _NAMES_BEFORE.search(base.context):
        return Doubt.ORDER if _highest(ranges) > 3 else Doubt.TURN
    if _is_list(ranges):
        return Doubt.ORDER if len(ranges) > 1 else Doubt.REFUSED
    return Doubt.TURN if _highest(ranges) > 3 and base.token != "2" else Doubt.REFUSED  # noqa: S105


_LETTER_AND_DIGITS = re.compile(r"(?:.*-)?([^\W\d_])(\d+)")
_TEN = re.compile(r"(?:.*[\d.])?[xX]10|(?:log|ln|exp)-?\d+|.*[a-z]10", re.DOTALL)


def _judge_after_name(base: _Base, ranges: Ranges) -> Doubt:
    """Judge what follows a name that ends in a digit: "T4", "PBDE-99", "COVID-19", "mc²6030"."""
    if _TEN.fullmatch(base.token):
        return Doubt.REFUSED
    if _is_list(ranges):
        return Doubt.ORDER
    highest, letters = _highest(ranges), sum(one.isalpha() for one in base.token)
    if base.token.endswith("10") and highest <= 15:
        return Doubt.TURN
    variable = _LETTER_AND_DIGITS.fullmatch(base.token)
    if (
        variable
        and highest <= 9
        and (not variable[1].isascii() or (variable[1].islower() and len(variable[2]) < 2))
    ):
        return Doubt.REFUSED
    if highest > 3 or letters > 3 or (letters > 1 and "-" in base.token):
        return Doubt.ORDER
    return Doubt.TURN


# --- After letters -----------------------------------------------------------------------------------

_LAST_WORD = re.compile(r"[^\W\d_]+$")


def _judge_after_letter(base: _Base, ranges: Ranges) -> Doubt:
    found = _LAST_WORD.search(base.token)
    if found is None:
        return Doubt.NONE
    word, stem = found[0], base.token[: found.start()]
    measured = (
        stem[-1:].isdecimal() or base.is_factor or (not stem and _PER_BEFORE.search(base.context) is not None)
    )
    if word.lower() in _UNITS and (measured or (not stem and len(word) > 1)):
        return _judge_after_unit(base, word, ranges, measured=measured)
    if len(word) == 1:
        return _judge_after_variable(base, word, stem, ranges)
    return _judge_after_word(base, word, stem, ranges)


def _judge_after_unit(base: _Base, word: str, ranges: Ranges, *, measured: bool) -> Doubt:
    """Judge what follows a unit: 1 to 3 are its powers, 4 is one of a length, and so is more in a quotient."""
    lowest, highest, is_length = ranges[0][0], _highest(ranges), word.lower() in _LENGTHS
    if not measured and word == "in":
        return Doubt.ORDER if highest > 3 else Doubt.TURN
    if not measured and not is_length and len(word) > 2:  # "after three weeks⁴"
        return Doubt.TURN if highest <= 3 else Doubt.NONE
    if _is_list(ranges):
        return Doubt.REFUSED if lowest <= 3 and is_length else Doubt.ORDER
    if highest <= 3:
        spelt_out = not is_length and len(word) > 3 and not base.is_factor
        return Doubt.TURN if spelt_out else Doubt.REFUSED
    if base.is_factor and highest <= 9:
        return Doubt.REFUSED
    return Doubt.REFUSED if highest == 4 and is_length else Doubt.ORDER


def _judge_after_variable(base: _Base, word: str, stem: str, ranges: Ranges) -> Doubt:
    """Judge what follows a single letter: a variable, an element, or the end of a name such as "vitamin C"."""
    highest = _highest(ranges)
    if (word == "β" and highest in _ISOFORMS) or (word in "RrχΧ" and highest <= 3):
        return Doubt.REFUSED
    if stem:
        return Doubt.ORDER if highest > 3 else Doubt.REFUSED
    if _NAMES_BEFORE.search(base.context):
        is_vitamin = _VITAMIN_BEFORE.search(base.context) and highest in _VITAMINS.get(word, ())
        return Doubt.REFUSED if is_vitamin or (word == "I" and highest <= 3) else Doubt.ORDER
    if _is_list(ranges) and (len(ranges) > 1 or highest - ranges[0][0] < 10) and highest > 3:
        return Doubt.ORDER
    if highest <= 9 or word in _ELEMENTS or word in _FUNCTIONS:
        return Doubt.REFUSED
    return Doubt.TURN


def _judge_after_word(base: _Base, word: str, stem: str, ranges: Ranges) -> Doubt:
    highest = _highest(ranges)
    if word in _FUNCTIONS or (word.endswith("β") and highest in _ISOFORMS):
        return Doubt.REFUSED
    if len(word) == 2 and word.istitle():
        is_symbol = highest <= 3 or (not stem and word in _ELEMENTS)
        return Doubt.REFUSED if is_symbol else Doubt.ORDER
    if highest <= 4 and (_OXIDE.fullmatch(word) or _CORRECTED_R.fullmatch(word)):
        return Doubt.REFUSED
    if highest <= 3 and not _is_list(ranges) and word.lower() in _QUANTITIES:
        return Doubt.REFUSED if base.is_factor else Doubt.TURN
    return Doubt.NONE
