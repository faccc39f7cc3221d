"""`nemesis-sweep corrupt` on a saved prompt and on the best of a sweep."""

import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import nemesis_sweep as ns
from nemesis_sweep.cli import main
from nemesis_sweep.prompts.artifact import save_prompt
from tests.sweep.home.earlier import DIGITS, unpacked


@pytest.fixture(scope="module", name="prompt")
def _prompt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prompt")
    ns.fit("icon-clip", "digits", {"n_ctx": 2, "epochs": 2, "views": 1}, shots=1, seeds=(1, 2)).save(folder)
    return folder


def corrupt(*words):
    return CliRunner().invoke(main, ["corrupt", *map(str, words)])


def test_tables_files_and_json_say_the_same(prompt, tmp_path) -> None:
    of = (prompt, "--dataset", "digits", "--operation", "rescale", "--strengths", "0,3")
    shown = corrupt(*of, "--to", tmp_path / "files")
    assert shown.exit_code == 0, shown.output
    assert "rescale: test accuracy" in shown.output and "2 seeds" in shown.output
    assert "A lower norm and a higher accuracy" in shown.output
    names = sorted(path.name for path in (tmp_path / "files").iterdir())
    assert names == ["corruption.parquet", "rescale.png", "rescale.svg"]
    rows = json.loads(corrupt(*of, "--json").stdout)
    assert rows == pq.read_table(tmp_path / "files" / "corruption.parquet").to_pylist()
    assert len(rows) == 2 + 2 * 2 * 2 and {row["norm_after"] for row in rows if row["strength"] == 0} == {0.0}


def test_what_was_learnt_is_right_as_often_as_its_training_said(prompt) -> None:
    rows = json.loads(
        corrupt(prompt, "--dataset", "digits", "--operation", "rescale", "--strengths", "1", "--json").stdout
    )
    originals, rows = rows[:2], rows[2:]
    assert [(row["seed"], row["operation"]) for row in originals] == [(1, "original"), (2, "original")]
    by_seed = {row["seed"]: row["accuracy"] for row in rows}
    assert all(row["change"] == 0 for row in rows)
    result = ns.fit("icon-clip", "digits", {"n_ctx": 2, "epochs": 2, "views": 1}, shots=1, seeds=(1, 2))
    assert list(by_seed.values()) == pytest.approx(result.metrics["test/accuracy"])
    assert [row["accuracy"] for row in originals] == list(by_seed.values())


def test_a_vector_that_was_scaled_up_is_found(tmp_path) -> None:
    """Planted in the third of four vectors, after training."""
    learnt = ns.fit(
        "icon-clip", "digits", {"n_ctx": 4, "epochs": 20, "views": 1}, shots=16, seeds=(1, 2)
    ).prompt
    context = learnt.tensors["context"].clone()
    context[..., 2, :] *= 10
    save_prompt(tmp_path, replace(learnt, tensors={"context": context}))
    of = ("--dataset", "digits", "--operation", "rescale", "--strengths", "0.1,1", "--json")
    rows = [row for row in json.loads(corrupt(tmp_path, *of).stdout) if row["operation"] == "rescale"]
    sure = [row for row in rows if row["low_norm"] and row["q"] <= 0.05]
    for seed in (1, 2):
        best = max((row for row in rows if row["seed"] == seed), key=lambda row: row["change"])
        assert best in sure and best["position"] == 3


def test_some_positions_alone(prompt) -> None:
    of = (prompt, "--dataset", "digits", "--operation", "rescale", "--strengths", "0.5", "--positions")
    shown = corrupt(*of, "2")
    assert shown.exit_code == 0
    assert [line.split()[0] for line in shown.stdout.splitlines()[1:3]] == ["vector", "2"]
    assert "no such position; found 3; allowed: 1 to 2" in corrupt(*of, "3").stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "a prompt alone does not say what it is tested on"),
        (("--dataset", "emoji"), "emoji has other classes than the prompt"),
        (("--dataset", "digits", "--strengths", "0.5"), "strengths of which operation?"),
        (("--dataset", "digits", "--operation", "replace", "--strengths", "a"), "not strengths"),
        (("--dataset", "digits", "--operation", "replace", "--strengths", "-1"), "not strengths"),
        (("--dataset", "digits", "--operation", "rescale", "--strengths", "1e39"), "not strengths"),
        (("--dataset", "digits", "--operation", "rescale", "--strengths", "0.5,0.50"), "is listed twice"),
        (("--dataset", "digits", "--positions", "a"), "not positions"),
        (("--dataset", "digits", "--task", "x"), "a prompt alone has no tasks"),
    ],
)
def test_what_cannot_be_done_is_one_line(prompt, words, told) -> None:
    answer = corrupt(prompt, *words)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert told in answer.stderr


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_computed(prompt, monkeypatch) -> None:
    monkeypatch.setattr("nemesis_sweep.sweep.corrupting.to_corrupt", lambda *_: pytest.fail("computed"))
    answer = corrupt(prompt, "--dataset", "digits", "--to", "/proc/maps")
    assert answer.exit_code == 2 and answer.stderr.startswith("error: --to: no ")


@pytest.mark.parametrize("beside", [(), ("corruption.parquet",)])
def test_a_folder_with_something_else_stays_as_it_is(prompt, tmp_path, beside) -> None:
    for name in ("mine.txt", *beside):
        (tmp_path / name).write_text("mine")
    answer = corrupt(prompt, "--dataset", "digits", "--operation", "rescale", "--to", tmp_path)
    assert answer.exit_code == 2 and "holds something else" in answer.stderr
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_an_earlier_one_is_replaced(prompt, tmp_path) -> None:
    of = (prompt, "--dataset", "digits", "--operation", "rescale", "--to", tmp_path / "files", "--strengths")
    for strength in ("1", "2"):
        assert corrupt(*of, strength).exit_code == 0
    table = pq.read_table(tmp_path / "files" / "corruption.parquet")
    assert set(table["strength"].to_pylist()) == {None, 2.0}


def test_of_a_home_the_best_is_tested_on_its_own_task(tmp_path) -> None:
    home = unpacked(tmp_path) / "per_task"
    of = (home, "--task", DIGITS, "--operation", "rescale", "--strengths", "1", "--json")
    for split in ("test", "val"):
        answer = corrupt(*of, "--split", split)
        assert answer.exit_code == 0, answer.output
        assert f"of {DIGITS}, the best of sweep" in answer.stderr
        rows = json.loads(answer.stdout)
        assert rows and {row["split"] for row in rows} == {split}
    refused = corrupt(*of, "--dataset", "digits")
    assert refused.exit_code == 2 and "tested on its own task" in refused.stderr
