"""docs/fidelity.md names settings that exist and are not the defaults; the paper's files have them."""

import re
from pathlib import Path

import pytest
import yaml

from nemesis_sweep.nemesis.annealings.registry import annealing
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.method import Method, MethodSection
from nemesis_sweep.sweep.names import known_names

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "fidelity.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## Settings")[2].partition("\n\nThe annealing")[0]
ROWS = [re.split(r" \| ", line.strip("| ")) for line in TABLE.strip().splitlines()[2:]]
PAPER = ("paper_few_shot", "paper_domain_generalization", "paper_cocoop_base_to_new", "paper_plot")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_setting_is_one_and_no_default(row: list[str]) -> None:
    what, published, here, why, setting = row
    written = re.findall(r"`([^`]+)`", setting)
    assert what and published and here and why and written
    given = {key: value for text in written for key, value in yaml.safe_load(text).items()}
    method = MethodSection.model_validate(given)
    for name in given.keys() - {"per_shots", "per_dataset"}:
        assert getattr(method, name) != MethodSection.model_fields[name].default
        assert str(MethodSection.model_fields[name].default) in here or name == "reduction"


def test_the_schedule_is_that_of_the_papers_file() -> None:
    (row,) = (row for row in ROWS if row[0] == "epochs of Nemesis")
    written = {
        key: value for text in re.findall(r"`([^`]+)`", row[4]) for key, value in yaml.safe_load(text).items()
    }
    method = load_sweep(TOP / "search_spaces" / "paper_few_shot.yaml", known=known_names()).method
    assert {shots: own.model_dump(exclude_unset=True) for shots, own in method.per_shots.items()} == written[
        "per_shots"
    ]
    assert method.per_dataset["imagenet"].epochs == written["per_dataset"]["imagenet"]["epochs"]


@pytest.mark.parametrize("name", PAPER)
def test_files_that_claim_the_paper_have_its_settings(name: str) -> None:
    method = load_sweep(TOP / "search_spaces" / f"{name}.yaml", known=known_names()).method
    assert (method.views, method.precision, method.lr) == ("epochs", "fp16", 0.002)
    if name == "paper_cocoop_base_to_new":
        assert (method.prompt, method.n_ctx, method.batch, method.epochs) == ("cocoop", 4, 1, 10)
        assert (method.words, method.penalise) == ("a photo of a", "base")
    elif name == "paper_plot":
        assert (method.prompt, method.n_ctx, method.batch, method.n_prompts) == ("plot", 16, 32, 4)
        assert (method.transport_stop, method.reduction, method.pooled_token) == (
            "reference",
            "reference",
            True,
        )
    else:
        assert (method.prompt, method.n_ctx, method.batch) == ("coop", 16, 32)
    assert f"search_spaces/{name}.yaml" in PAGE
    if name in ("paper_few_shot", "paper_plot"):
        assert {method.per_dataset[each].anneal for each in ("food101", "oxford_pets")} == {"constant"}


def test_no_other_file_claims_the_paper() -> None:
    assert sorted(path.stem for path in (TOP / "search_spaces").glob("paper*")) == sorted(PAPER)
    head, _, _ = (
        (TOP / "search_spaces" / "coop_base_to_new.yaml").read_text(encoding="utf-8").partition("\nname")
    )
    assert "It is not the paper's table" in head


def test_the_annealing_falls_as_the_texts_say() -> None:
    weight = annealing(dict(Method()))
    assert weight(0, 50) > 0.99 and weight(25, 50) == 0.5 and weight(49, 50) < 0.01
    for text in ("docs/sweep-file.md", "nemesis_sweep/spec/training_fields.py"):
        found = re.findall(r"logistic.{0,20}(falls|rises)", (TOP / text).read_text(encoding="utf-8"))
        assert found == ["falls"], text
