"""Which texts describe an emergency.

The paraphrases of round 1 marked `dev` were looked at while the rules were written; those marked `held_out` were
measured once before anything was changed for them, and are regression tests since.
"""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answer.red_flags import red_flags

REPOSITORY = Path(__file__).parents[2]
SHARED = REPOSITORY.parent / "shared"
MAX_FALSE_ALARM_RATE = 0.02


def names(question: str) -> set[str]:
    return {flag.name for flag in red_flags(question)}


def read_lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


DEV = read_lines(REPOSITORY / "corpus" / "questions" / "dev.jsonl")
PARAPHRASES = read_lines(Path(__file__).parent / "emergency_paraphrases.jsonl")


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("I fainted twice since lunch", "unresponsive"),
        ("my neighbour will not wake up", "unresponsive"),
        ("she cant catch her breath", "trouble breathing"),
        ("I cannot swallow my own spit", "trouble breathing"),
        ("lips swelled up after the tablet", "severe allergy"),
        ("he is having a fit", "seizure"),
        ("crushing pain in my chest", "chest pain"),
        ("gran's mouth droops and her speech is slurred", "stroke"),
        ("I took 25 of the tablets", "overdose"),
        ("our toddler chewed a diazepam", "overdose"),
        ("I want to kill myself", "suicidal thoughts"),
        ("skipped my baclofen since sunday, fever and stiff all over", "medicine stopped suddenly"),
        ("the baclofen pump is beeping", "medicine stopped suddenly"),
        ("dad came off diazepam and is hearing voices", "medicine stopped suddenly"),
        ("numb between my legs and I lost control of my bladder", "loss of bladder or bowel control"),
        ("my foot is ice cold, white and numb", "limb without blood"),
        ("left calf swollen, red and hot", "blood clot"),
        ("my arms get weaker every hour", "growing weakness or paralysis"),
        ("suddenly I can't move my leg", "growing weakness or paralysis"),
        ("on quinine and covered in bruises", "quinine with bleeding"),
        ("I have been vomiting blood", "heavy bleeding"),
        ("my urine looks like cola after the gym", "muscle breakdown"),
        ("jaw locked a week after a dirty wound", "tetanus"),
        ("high fever and a stiff neck", "meningitis or bleeding in the head"),
        ("he worked in the heat and is not making sense", "heat stroke"),
        ("I'm pregnant and bleeding", "warning sign in pregnancy"),
        ("our newborn is limp and won't feed", "ill infant"),
        ("grandpa is suddenly confused", "sudden confusion"),
        ("cramps, can't keep water down and no urine since yesterday", "dangerous loss of fluid"),
        ("my brother was bitten by a snake", "poison, shock or injury of the spine"),
    ],
)
def test_each_kind_of_emergency_is_found(question: str, name: str) -> None:
    assert name in names(question)


@pytest.mark.parametrize(
    "question",
    [
        "My calf is not swollen, not red and not hot",
        "calf cramp, no redness, swelling or warmth",
        "My legs are fine, without any sudden weakness",
        "She denies chest pain",
        "I have no trouble breathing",
    ],
)
def test_a_sign_that_is_denied_is_no_emergency(question: str) -> None:
    assert not red_flags(question)


def test_a_denial_ends_at_but() -> None:
    assert "blood clot" in names("My calf is not itchy but swollen, red and hot")


def test_a_no_that_belongs_to_the_sign_denies_nothing() -> None:
    assert red_flags("My dad is not breathing")


def test_an_idiom_with_no_denies_nothing() -> None:
    assert "blood clot" in names("No idea what happened, calf swollen red and hot")


@pytest.mark.parametrize(
    "question",
    [
        "What happens if I stop baclofen suddenly?",
        "Can dehydration cause cramps?",
        "Why does quinine cause bleeding problems?",
        "Is weakness a sign of ALS?",
        "When should I see a doctor for leg cramps?",
        "Does baclofen cause trouble breathing?",
        "People who stop baclofen abruptly get fever and confusion",
        "I read that stopping baclofen leads to seizures",
        "Chest pain and cramps: what causes them?",
    ],
)
def test_a_text_that_only_asks_or_tells_in_general_is_no_emergency(question: str) -> None:
    assert not red_flags(question)


@pytest.mark.parametrize(
    "question",
    [
        "Is it normal that my calf is red, hot and swollen?",
        "Why can't I breathe after baclofen?",
        "What should I do if my calf is red, hot and swollen?",
        "i take baclofen can it help, i cant breathe",
        "What could be wrong, left leg swollen and hot",
        "Can a calf be swollen and red like that? It's happening to me now",
    ],
)
def test_a_question_about_what_happens_to_the_asker_is_an_emergency(question: str) -> None:
    assert red_flags(question)


def test_what_is_long_past_is_no_emergency() -> None:
    assert not red_flags("My mother had a seizure ten years ago")


def test_an_intention_is_no_emergency() -> None:
    assert not red_flags("I want to stop my baclofen because of the confusion about its dose")


def test_a_dose_in_milligrams_is_not_a_number_of_tablets() -> None:
    assert not red_flags("I took 20 mg baclofen")
    assert red_flags("I took 20 baclofen")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("my calf is swolen, red and hot", "blood clot"),
        ("he has a seizzure rigth now", "seizure"),
        ("stoped my bacloffen, now halucinating", "medicine stopped suddenly"),
    ],
)
def test_misspelled_signs_are_understood(typed: str, meant: str) -> None:
    assert meant in names(typed)


def test_a_real_word_is_not_taken_for_a_misspelled_sign() -> None:
    assert not red_flags("cramps strike my left leg right now")


def test_the_most_urgent_comes_first() -> None:
    flags = red_flags("My leg is swollen, red and hot and now I can't breathe")

    assert [flag.name for flag in flags] == ["trouble breathing", "blood clot"]


def test_every_emergency_of_the_dev_questions_is_found() -> None:
    emergencies = [str(row["question"]) for row in DEV if row.get("notice") == "urgent_care"]

    assert len(emergencies) >= 25
    assert [question for question in emergencies if not red_flags(question)] == []


def test_ordinary_dev_questions_raise_few_alarms() -> None:
    ordinary = [str(row["question"]) for row in DEV if row.get("notice") is None]
    alarms = [question for question in ordinary if red_flags(question)]

    assert len(ordinary) >= 300
    assert len(alarms) <= MAX_FALSE_ALARM_RATE * len(ordinary), alarms


def test_off_topic_questions_raise_few_alarms() -> None:
    lines = (REPOSITORY / "answer" / "offtopic_questions.txt").read_text(encoding="utf-8").splitlines()
    alarms = [line for line in lines if not line.startswith("#") and red_flags(line)]

    assert len(alarms) <= MAX_FALSE_ALARM_RATE * len(lines), alarms


def test_every_paraphrased_emergency_is_found() -> None:
    assert [
        row["question"] for row in PARAPHRASES if row["notice"] and not red_flags(str(row["question"]))
    ] == []


def test_hard_ordinary_questions_raise_few_alarms() -> None:
    ordinary = [str(row["question"]) for row in PARAPHRASES if not row["notice"]]
    alarms = [question for question in ordinary if red_flags(question)]

    assert len(alarms) <= MAX_FALSE_ALARM_RATE * len(ordinary), alarms


@pytest.mark.skipif(not (SHARED / "eval" / "medquad").is_dir(), reason="needs shared/eval/medquad")
def test_template_questions_on_diseases_raise_no_alarm() -> None:
    with gzip.open(SHARED / "eval" / "medquad" / "queries.jsonl.gz", "rt", encoding="utf-8") as lines:
        questions = [json.loads(line)["text"] for line in lines]

    assert [question for question in questions if red_flags(question)] == []


@pytest.mark.skipif(not (SHARED / "eval" / "kqa").is_dir(), reason="needs shared/eval/kqa")
def test_patients_everyday_questions_raise_few_alarms() -> None:
    with gzip.open(SHARED / "eval" / "kqa" / "questions.jsonl.gz", "rt", encoding="utf-8") as lines:
        questions = [json.loads(line)["Question"] for line in lines]
    alarms = [question for question in questions if red_flags(question)]

    assert len(alarms) <= MAX_FALSE_ALARM_RATE * len(questions), alarms


WORDS = st.sampled_from(
    [
        "my",
        "calf",
        "swollen",
        "red",
        "hot",
        "no",
        "not",
        "if",
        "can",
        "baclofen",
        "stopped",
        "cannot",
        "i",
        "do",
        ",",
        ".",
    ]
)


@settings(deadline=None)
@given(st.text(max_size=300) | st.lists(WORDS, max_size=60).map(" ".join))
def test_any_text_has_an_answer(text: str) -> None:
    flags = red_flags(text)

    assert [flag.urgency for flag in flags] == sorted({flag.urgency for flag in flags})


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(PARAPHRASES))
def test_case_and_surrounding_space_change_nothing(row: dict[str, object]) -> None:
    question = str(row["question"])

    assert names(f"  {question.upper()}  ") == names(question)
