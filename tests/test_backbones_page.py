"""docs/backbones.md: its tables against the code, its commands as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.vlm.dual_encoders.families import FAMILIES, NORM_NOTE
from nemesis_sweep.vlm.inspection import inspect_backbone

PAGE = (Path(__file__).parents[1] / "docs" / "backbones.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_table_of_transformers_models_is_the_codes() -> None:
    told = [[cell.strip("`") for cell in row[:4]] for row in rows("Models of transformers")]
    assert told == [
        [name, family.model_class, family.path, family.scale or "none stored"]
        for name, family in FAMILIES.items()
    ]
    bert_like = [row[0].strip("`") for row in rows("Models of transformers") if "BERT-like" in row[4]]
    assert bert_like == [name for name, family in FAMILIES.items() if family.normed]
    assert "norm" in NORM_NOTE


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("PE-Core", "PE-Core-B-16"),
        ("ViTamin", "ViTamin-B"),
        ("MobileCLIP2-B", "MobileCLIP2-B"),
        ("other MobileCLIP2", "MobileCLIP2-S3"),
    ],
)
def test_open_clips_families_go_the_way_that_is_told(told: str, name: str) -> None:
    (row,) = [row for row in rows("Families") if re.search(rf"\b{told}\b", row[0])]
    assert inspect_backbone(name).text_path == row[1]


def test_its_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = re.findall(r"```sh\nnemesis-sweep (.*?)\n```", PAGE)
    assert commands
    monkeypatch.chdir(tmp_path)
    for command in commands:
        result = CliRunner().invoke(main, shlex.split(command))
        assert result.exit_code == 0, result.output
    listed = CliRunner().invoke(main, ["backbones"]).output
    for name, family in FAMILIES.items():
        assert re.search(rf"^  {name} +{family.model_class} +{family.path} ", listed, re.MULTILINE)
