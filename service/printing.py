"""A reply as a person reads it in a terminal."""

from rich.console import Console
from rich.text import Text

from service.schemas import AskReply, RankedPassage


def print_reply(reply: AskReply, console: Console) -> None:
    """Print notices, answer, passages and references, in this order."""
    for notice in reply.notices:
        console.print(Text(f"Urgent: {notice.text}\n", style="bold red"))
    if reply.searched_as is not None:
        console.print(Text(f"Searched for: {reply.searched_as}\n", style="italic"))
    if reply.not_mentioned:
        console.print(Text(f"No document has: {', '.join(reply.not_mentioned)}\n", style="yellow"))
    if reply.answer is not None:
        for sentence in reply.answer.sentences:
            console.print(Text(f"{_numbers(sentence.references)} {sentence.text}"))
    elif not reply.answerable:
        console.print(Text("These documents do not answer that. The nearest passages:", style="bold"))
    console.print(Text(f"\nconfidence {reply.confidence:.2f}, index {reply.index.version}\n", style="dim"))
    for passage in reply.passages:
        _print_passage(passage, console)
    for reference in reply.references:
        console.print(Text(f"[{reference.number}] {reference.text}"))
        for problem in reference.problems:
            console.print(Text(f"    {problem}", style="yellow"))
    console.print(Text(f"\n{reply.disclaimer}", style="dim"))


def _print_passage(passage: RankedPassage, console: Console) -> None:
    where = " > ".join([passage.document.title, *passage.section])
    head = f"{passage.rank}. {_numbers(passage.references)} {where} ({passage.document.fidelity})"
    console.print(Text(head, style="bold"))
    text = Text(passage.text)
    for mark in passage.highlights:
        text.stylize("underline", mark.start, mark.end)
    console.print(text, end="\n\n")


def _numbers(numbers: list[int]) -> str:
    return f"[{', '.join(map(str, numbers))}]" if numbers else "[no reference]"
