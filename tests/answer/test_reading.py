"""What a reading model says of a text, with a tiny one that nobody has trained."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from answer.reading import ReaderIdentity, TransformersReadingModel, span_log_odds
from index.model_files import hash_weights
from ingest.errors import ModelError

QUESTION = "How is a tick pulled out?"
TEXT = "Pull a tick out straight with fine tweezers. Do not twist it or cover it with oil."
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "tick",
    "pull",
    "out",
    "fine",
    "twist",
    "oil",
    "a",
    "?",
]
WINDOW = 32


def test_the_best_span_is_weighed_against_the_first_token() -> None:
    starts = np.array([1.0, 9.0, 2.0, 5.0, 0.0])
    ends = np.array([0.5, 9.0, 4.0, 0.0, 1.0])

    # Of tokens 2 to 4: 2 to 2 has 2 + 4, 3 to 4 has 5 + 1, and 3 to 2 would have more, but ends before it begins.
    assert span_log_odds(starts, ends, text=slice(2, 5)) == 6.0 - 1.5


@pytest.mark.parametrize(("distance", "expected"), [(29, 10.0), (30, 5.0)])
def test_an_answer_has_thirty_tokens_at_most(distance: int, expected: float) -> None:
    starts, ends = np.zeros(60), np.zeros(60)
    starts[5] = ends[5 + distance] = 5.0

    assert span_log_odds(starts, ends, text=slice(1, 60)) == expected


def test_a_text_without_tokens_holds_no_answer() -> None:
    assert span_log_odds(np.ones(3), np.ones(3), text=slice(0, 0)) == -np.inf


def save_model(folder: Path, *, architecture: str = "BertForQuestionAnswering") -> Path:
    """Save a model of two small layers with random weights, the same every time."""
    import torch  # noqa: PLC0415  # seconds
    import transformers  # noqa: PLC0415  # seconds

    folder.mkdir()
    torch.manual_seed(7)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=WINDOW,
        initializer_range=1.0,
    )
    getattr(transformers, architecture)(config).save_pretrained(folder)
    vocabulary = {word: at for at, word in enumerate(WORDS)}
    transformers.BertTokenizer(vocab=vocabulary).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "reader")


@pytest.fixture(scope="module")
def reader(folder: Path) -> TransformersReadingModel:
    return TransformersReadingModel(str(folder))


@pytest.mark.slow
def test_each_text_has_one_number_the_same_every_time(folder: Path, reader: TransformersReadingModel) -> None:
    texts = [TEXT, "oil", "fine fine fine"]
    read = reader.log_odds(QUESTION, texts)

    assert read.shape == (3,)
    assert read.dtype == np.float64
    assert np.isfinite(read).all()
    assert len(set(read.tolist())) == 3
    assert TransformersReadingModel(str(folder)).log_odds(QUESTION, texts).tolist() == read.tolist()
    assert reader.log_odds(QUESTION, []).shape == (0,)


@pytest.mark.slow
def test_it_is_what_the_model_itself_says_of_question_and_text(
    folder: Path, reader: TransformersReadingModel
) -> None:
    import torch  # noqa: PLC0415  # seconds
    import transformers  # noqa: PLC0415  # seconds

    model = transformers.BertForQuestionAnswering.from_pretrained(folder)  # as it answers, not as it learns
    # [CLS] a tick ? [SEP] pull out [SEP]
    ids, types = [[2, 11, 5, 12, 3, 6, 7, 3]], [[0, 0, 0, 0, 0, 1, 1, 1]]
    with torch.inference_mode():
        said = model(input_ids=torch.tensor(ids), token_type_ids=torch.tensor(types))
    starts, ends = said.start_logits[0].tolist(), said.end_logits[0].tolist()
    best = max(starts[5] + ends[5], starts[5] + ends[6], starts[6] + ends[6])

    assert reader.log_odds("a tick?", ["pull out"])[0] == pytest.approx(best - starts[0] - ends[0], abs=1e-4)


@pytest.mark.slow
def test_a_text_is_read_the_same_whatever_is_read_beside_it_and_on_however_many_threads(
    reader: TransformersReadingModel,
) -> None:
    texts = [TEXT, "oil " * 40, "tick", "a " * 25]
    alone = [reader.log_odds(QUESTION, [text])[0] for text in texts]

    assert reader.log_odds(QUESTION, texts).tolist() == alone
    assert reader.log_odds(QUESTION, texts[::-1]).tolist() == alone[::-1]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: reader.log_odds(QUESTION, [text])[0], texts * 5)) == alone * 5


@pytest.mark.slow
def test_every_token_of_a_long_text_lies_in_a_window_and_windows_overlap(
    reader: TransformersReadingModel,
) -> None:
    words = [WORDS[5 + at % 6] for at in range(100)]
    # 5 tokens and 3 special ones leave 24 of 32 to the text, of which 12 are read again.
    windows = list(reader._windows("pull a tick out ?", " ".join(words)))

    seen = [window["input_ids"][span] for window, span in windows]
    assert all(len(window["input_ids"]) <= WINDOW for window, _ in windows)
    assert seen[0] == [WORDS.index(word) for word in words[:24]]
    assert all(before[-12:] == after[:12] for before, after in pairwise(seen))
    assert [WORDS[at] for at in [*seen[0], *(at for each in seen[1:] for at in each[12:])]] == words


@pytest.mark.slow
def test_a_long_text_is_as_likely_to_answer_as_its_likeliest_window(reader: TransformersReadingModel) -> None:
    halves = "oil " * 24, "twist " * 24
    question = "pull a tick out ?"

    long = reader.log_odds(question, ["".join(halves)])[0]
    assert long >= max(reader.log_odds(question, halves))


@pytest.mark.slow
def test_a_question_longer_than_the_window_is_read_in_parts(reader: TransformersReadingModel) -> None:
    parts = "a tick " * 8, "twist oil " * 8  # half a window each

    found = reader.log_odds("".join(parts), [TEXT])[0]
    assert found == max(reader.log_odds(part, [TEXT])[0] for part in parts)


@pytest.mark.slow
def test_the_identity_has_the_hash_of_the_weights(folder: Path, reader: TransformersReadingModel) -> None:
    assert reader.identity == ReaderIdentity(str(folder), hash_weights(folder))


def test_a_model_that_is_nowhere_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(
        ModelError, match=r"reading model 'no-such/model' is neither a folder nor .* CITEWELL_READING_MODEL"
    ):
        TransformersReadingModel("no-such/model")


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def with_torn_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"torn")


def of_another_kind(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_type": "no such kind"}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (without_weights, "holds no model weights"),
        (with_torn_weights, r"cannot be loaded: .*unset CITEWELL_READING_MODEL"),
        (of_another_kind, r"cannot be loaded: .*unset CITEWELL_READING_MODEL"),
    ],
)
def test_a_broken_model_is_an_error_that_says_what_to_do(
    tmp_path: Path, harm: Callable[[Path], None], said: str
) -> None:
    harm(save_model(tmp_path / "reader"))

    with pytest.raises(ModelError, match=f"(?s){said}"):
        TransformersReadingModel(str(tmp_path / "reader"))


@pytest.mark.slow
def test_an_encoder_is_no_reading_model(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "encoder", architecture="BertModel")

    with pytest.raises(ModelError, match=r"no reading model: its weights lack qa_outputs.*SQuAD 2\.0"):
        TransformersReadingModel(str(folder))
