"""docs/operations.md, held to the code."""

import re
from pathlib import Path

from prometheus_client.metrics_core import Metric

from service import metrics
from service.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def exposed_names(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


def test_every_metric_of_ours_is_listed_with_its_labels_and_no_other() -> None:
    listed = dict(re.findall(r"^\| `(citewell_\w+)` \|([^|]*)\|", PAGE, re.MULTILINE))
    ours = {
        exposed_names(each): each for each in metrics.REGISTRY.collect() if each.name.startswith("citewell_")
    }

    assert set(listed) == set(ours)
    for name, metric in ours.items():
        documented = set(re.findall(r"`(\w+)`", listed[name]))
        for sample in metric.samples:
            assert set(sample.labels) - {"le"} == documented, name


def test_every_setting_and_every_test_that_is_named_exists() -> None:
    settings = {f"CITEWELL_{name.upper()}" for name in Settings.model_fields}

    named = set(re.findall(r"CITEWELL_\w+", PAGE))
    assert len(named) > 10
    assert named <= settings
    for path in re.findall(r"tests/[\w/]+\.py", PAGE):
        assert (ROOT / path).is_file()


def test_every_figure_stands_beside_a_command_that_exists() -> None:
    figures = PAGE.split("## Figures")[1]

    commands = re.findall(r"python -m (benchmarks\.\w+)", figures)
    assert len(set(commands)) >= 3
    for command in commands:
        assert (ROOT / f"{command.replace('.', '/')}.py").is_file()
