from pathlib import Path

import pytest

from benchmarks.articles import Raised, TrueArticle, TrueBlock, TrueMarker, TrueReference
from benchmarks.reading import RENDERINGS, Rendering, main, score_reading

ARTICLE = TrueArticle(
    name="sample",
    title="Calf cramps at night",
    blocks=(
        TrueBlock("heading", ("What is known",), 1),
        TrueBlock(
            "paragraph",
            ("Cramps are common in older people", TrueMarker((1, 2, 3)), ". They hurt", TrueMarker((2,)), "."),
        ),
        TrueBlock(
            "paragraph",
            ("The calf has about 10", Raised("3"), " fibres in this sample", TrueMarker((1, 3)), "."),
        ),
    ),
    references=tuple(
        TrueReference(
            number, (f"{name} AB", "Poe C"), f"A study of {name.lower()} cramps", "J Samples", 2000 + number,
            str(number), "2", "10–19", f"10.1000/sample.{number}", "",
        )
        for number, name in enumerate(("Roe", "Doe", "Zoe"), start=1)
    ),
)  # fmt: skip


@pytest.mark.parametrize("rendering", RENDERINGS, ids=lambda one: one.name)
def test_a_small_article_survives_every_rendering(rendering: Rendering) -> None:
    score = score_reading(ARTICLE, rendering.read(rendering.render(ARTICLE)))

    assert (score.right, score.found, score.markers) == (3, 3, 3)
    assert (score.split, score.doi_right, score.year_right, score.author_right) == (3, 3, 3, 3)
    assert (score.entries, score.lost, score.outside_blocks, score.leaked) == (3, 0, 0, 0)


def test_a_folder_without_articles_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "no JATS files" in capsys.readouterr().err


def test_a_missing_marker_counts_against_recall() -> None:
    rendering = RENDERINGS[0]
    reading = rendering.read(rendering.render(ARTICLE).replace(b" [1\xe2\x80\x933]", b""))

    score = score_reading(ARTICLE, reading)

    assert (score.right, score.found, score.markers) == (2, 2, 3)
