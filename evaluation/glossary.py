"""What each measure says, in a line that needs no textbook."""

from evaluation.results import LOWER_IS_BETTER

_MEANINGS = {
    "nDCG": "how well the first {k} are ordered, graded judgments counted",
    "MRR": "1 / rank of the first relevant one, within {k}",
    "MAP": "precision at every relevant one, averaged",
    "Recall": "share of all relevant ones among the first {k}",
    "Success": "a relevant one is among the first {k}",
    "complete": "the first {k} together show every fact that was asked for",
    "answer_support": "the extracted answer shows a fact that was asked for; a refusal counts as none",
    "answer_complete": "the extracted answer shows all of them",
    "answer_support_if_answered": "the same, of the questions that got an answer",
    "numbers_right": "every reference number and quotation of the reply is right",
    "number_accuracy": "share of all checked numbers and quotations that are right",
    "false_answer": "answered, though the documents do not answer it",
    "false_answer_off_topic": "the same, for questions on other subjects",
    "false_answer_near_miss": "the same, for the right subject with the fact missing",
    "wrong_refusal": "refused, though the documents answer it",
    "Brier": "squared distance of the confidence from the truth",
    "AUROC": "an answerable question gets more confidence than one that is not",
    "AUROC_off_topic": "the same, against questions on other subjects",
    "AUROC_near_miss": "the same, against near misses",
    "ECE": "mean distance of the confidence from how often it is right",
    "AURC": "mean share of misleading replies over all thresholds",
    "notice_recall": "an urgent-care notice where one is due",
    "notice_false_alarm": "a notice where none is due",
}


def meaning(measure: str) -> str:
    """Return what a measure says; "" for one that is not known here."""
    if measure in _MEANINGS:
        return _MEANINGS[measure]
    name, _, k = measure.partition("@")
    return _MEANINGS.get(name, "").format(k=k)


def marked(measure: str) -> str:
    """Return the name of a measure, with an arrow down where less is better."""
    return f"{measure} ↓" if measure in LOWER_IS_BETTER else measure
