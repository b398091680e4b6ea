"""How sure a reading model is that a text holds the answer to a question; used only where one is named."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.model_files import find_model_folder, hash_weights
from ingest.errors import ModelError

Floats = NDArray[np.float64]

#: How many tokens are read at once, the question's among them: what readers of SQuAD are trained with.
_WINDOW_TOKENS = 384
#: An answer may have so many, as BERT's own reader allows.
_SPAN_TOKENS = 30


@dataclass(frozen=True, slots=True)
class ReaderIdentity:
    """Which model reads; those with the same weights read the same."""

    model: str  # as it was named
    weights_sha256: str

    def __str__(self) -> str:
        return f"{self.model} (weights {self.weights_sha256[:12]})"


class ReadingModel(Protocol):
    """Reads texts for the answer to a question; safe to use from several threads.

    What is read in a text is the same to the last bit whatever is read beside it.
    """

    @property
    def identity(self) -> ReaderIdentity:
        """The model and its weights."""

    def log_odds(self, question: str, texts: Sequence[str]) -> Floats:
        """Return shape (len(texts),), in the same order: log of how many times likelier an answer is than none."""


def span_log_odds(starts: Floats, ends: Floats, *, text: slice) -> float:
    """Return the log-odds of the best span of a text against there being no answer.

    Args:
        starts: The logit of each token to be the first of the answer, shape (n_tokens,). The first token of all
            stands for "no answer", as its beginning and as its end.
        ends: The logit of each token to be the last of the answer, same shape.
        text: The tokens among which an answer may lie; -inf is returned if there are none.

    Source: Devlin, Chang, Lee and Toutanova, BERT, NAACL 2019, section 4.3.
    """
    spans = starts[text][:, None] + ends[text][None, :]  # (first token, last token)
    n = len(spans)
    allowed = np.tri(n, k=_SPAN_TOKENS - 1, dtype=bool) & ~np.tri(n, k=-1, dtype=bool)
    return float(spans.max(initial=-np.inf, where=allowed) - (starts[0] + ends[0]))


class TransformersReadingModel:
    """A `ReadingModel` on a question-answering model of transformers, of the kind that is trained on SQuAD 2.0.

    A long text is read in windows that overlap by half of what it has room for, and so is a question of more than
    half a window, in parts; the highest log-odds count. One window is read at a time, on one thread.

    Raises:
        ModelError: If the model is nowhere, cannot be loaded, or was made for something else.
    """

    def __init__(self, model: str) -> None:
        path = find_model_folder(
            model, what="reading", setting="CITEWELL_READING_MODEL", otherwise="to do without one"
        )
        self.identity = ReaderIdentity(model, hash_weights(path))
        self._model, self._tokenizer = _load_model(path)
        places = getattr(self._model.config, "max_position_embeddings", _WINDOW_TOKENS)
        self._window = min(_WINDOW_TOKENS, self._tokenizer.model_max_length, places)
        self._special = int(self._tokenizer.num_special_tokens_to_add(pair=True))
        # What a tokenizer is told about windows, it keeps for whoever asks next.
        self._tokenizing = threading.Lock()

    def log_odds(self, question: str, texts: Sequence[str]) -> Floats:
        """Return shape (len(texts),), in the same order."""
        parts = self._parts(question)
        return np.array(
            [
                max(self._read(window, span) for part in parts for window, span in self._windows(part, text))
                for text in texts
            ],
            dtype=np.float64,
        )

    def _parts(self, question: str) -> list[str]:
        """Return a question cut so that each part leaves half of a window to the text."""
        offsets = self._offsets(question)
        room = self._window // 2
        runs = [offsets[at : at + room] for at in range(0, len(offsets), room)]
        return [question[run[0][0] : run[-1][1]] for run in runs] if len(runs) > 1 else [question]

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        with self._tokenizing:
            found = self._tokenizer(
                text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
            )
        return list(found["offset_mapping"])

    def _windows(self, question: str, text: str) -> Iterator[tuple[dict[str, list[int]], slice]]:
        """Yield what the model takes for each window of a text, and where in it the text lies."""
        room = self._window - self._special - len(self._offsets(question))
        with self._tokenizing:
            found = self._tokenizer(
                question,
                text,
                truncation="only_second",
                max_length=self._window,
                stride=room // 2,
                return_overflowing_tokens=True,
            )
        for at in range(len(found["input_ids"])):
            places = [place for place, side in enumerate(found.sequence_ids(at)) if side == 1]
            span = slice(places[0], places[-1] + 1) if places else slice(0, 0)
            taken = [name for name in self._tokenizer.model_input_names if name in found]
            yield {name: found[name][at] for name in taken}, span

    def _read(self, window: dict[str, list[int]], span: slice) -> float:
        import torch  # noqa: PLC0415  # loaded already, with the model

        with torch.inference_mode():
            read = self._model(**{name: torch.tensor([values]) for name, values in window.items()})
        starts, ends = (logits[0].double().numpy() for logits in (read.start_logits, read.end_logits))
        return span_log_odds(starts, ends, text=span)


def _load_model(path: Path) -> tuple[Any, Any]:
    """Load a model and its tokenizer for single-threaded use on the CPU; importing torch takes seconds."""
    import torch  # noqa: PLC0415
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(1)
    try:
        model, report = AutoModelForQuestionAnswering.from_pretrained(
            path, dtype=torch.float32, local_files_only=True, output_loading_info=True
        )
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        first = tokenizer("question", "text")["input_ids"][0]
    except Exception as error:  # each library has its own words for a file that it cannot read
        raise ModelError(
            f"The reading model in {path} cannot be loaded: {error}. Save it again, or unset "
            "CITEWELL_READING_MODEL."
        ) from error
    # What the weights lack would be made up at random, other values at each start.
    if missing := sorted(report["missing_keys"]):
        raise _no_reader(path, f"its weights lack {', '.join(missing)}")
    if not tokenizer.is_fast or first != tokenizer.cls_token_id:
        raise _no_reader(path, "its tokenizer puts no [CLS] first, or does not say where its tokens lie")
    return model.eval(), tokenizer


def _no_reader(path: Path, reason: str) -> ModelError:
    return ModelError(
        f"{path} holds no reading model: {reason}. Give one in CITEWELL_READING_MODEL that was trained on questions "
        "with and without answers (SQuAD 2.0), or unset it."
    )
