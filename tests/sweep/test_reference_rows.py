"""A sweep with every row without a prompt, run to its end in this process: shown, kept, and mended."""

import json
import shutil
from pathlib import Path

import pytest

import nemesis_sweep as ns
from nemesis_sweep.files.sealed import write_sealed
from nemesis_sweep.report.results import read_results
from nemesis_sweep.spec.baselines import BASELINES, PROMPTLESS
from nemesis_sweep.training.references.saved import KINDS
from tests.trained_home import verb

SWEEP = """
name: rows
tasks: {{dataset: digits, shots: 2, replicates: 2, protocol: {protocol}}}
method: {{epochs: 1, views: 1}}
search: {{baselines: [{names}]}}
budget: {{trials: 0}}
"""
STUDY = "digits-2shot"


def run(folder, home, monkeypatch, *more):
    answer = verb(monkeypatch, "run", folder / "rows.yaml", "--home", home, *more)
    assert answer.exit_code == 0, answer.output
    return answer


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    names = ", ".join([*PROMPTLESS, "coop"])
    (folder / "rows.yaml").write_text(SWEEP.format(protocol="few_shot", names=names), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        (folder / "told").write_text(run(folder, folder / "home", patch).output, encoding="utf-8")
    return folder


@pytest.fixture
def home(base, tmp_path):
    return Path(shutil.copytree(base / "home", tmp_path / "home"))


def test_every_row_is_in_the_table_under_its_label_and_none_is_the_best_found(base):
    told = (base / "told").read_text(encoding="utf-8")
    lines = [line.strip() for line in told.splitlines()]
    for name in PROMPTLESS:
        assert any(line.startswith(BASELINES[name].label + "  ") for line in lines), name
    rows = {row.baseline: row for row in read_results(base / "home")}
    assert set(rows) == {*PROMPTLESS, "coop"}
    assert [name for name, row in rows.items() if row.best] == ["coop"]
    assert rows["tip_adapter"].metrics["tip_adapter/beta"] > 0


def test_what_each_learnt_is_in_its_folder_and_in_mlflow(home):
    pictures = [item.content for item in ns.load_dataset("digits").test[:50]]
    for name in PROMPTLESS:
        folder = home / "trials" / STUDY / name
        assert (folder / "reference.json").exists() == (name in KINDS)
        if name in KINDS:
            reference = ns.load_reference(folder)
            assert (reference.kind, reference.seeds) == (name, [1, 2])
            assert ns.Classifier(reference).probabilities(pictures).shape == (50, 10)
    copies = {ns.load_reference(file).kind for file in home.glob("mlartifacts/**/reference/reference.json")}
    assert copies == set(KINDS)


def test_a_damaged_one_is_restored_from_mlflow(base, home, monkeypatch):
    file = home / "trials" / STUDY / "taskres" / "reference.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    said = run(base, home, monkeypatch).stderr
    assert "restored from the copy in MLflow's artifacts" in said
    assert file.read_bytes() == whole


def test_one_that_no_copy_has_is_fitted_again(base, home, monkeypatch):
    folder = home / "trials" / STUDY / "lp_plus_plus"
    before = ns.load_reference(folder)
    shutil.rmtree(home / "mlartifacts")
    (folder / "reference.json").unlink()
    said = run(base, home, monkeypatch).stderr
    assert "trained again, for" in said and "reference.json is missing" in said
    after = ns.load_reference(folder)
    assert all((after.tensors[name] == value).all() for name, value in before.tensors.items())


def test_a_home_whose_rows_left_nothing_goes_on_without_a_word(base, home, monkeypatch):
    """As one of an earlier version."""
    folder = home / "trials" / STUDY / "linear_probe"
    record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    for key in ("reference_checksum", "checksum"):
        record.pop(key)
    write_sealed(folder / "result.json", record)
    for name in ("reference.json", "reference.safetensors"):
        (folder / name).unlink()
    assert run(base, home, monkeypatch).stderr == ""


def test_those_that_transfer_are_tested_on_other_classes_and_the_others_refused(tmp_path, monkeypatch):
    names = [name for name in PROMPTLESS if BASELINES[name].transfers]
    assert "clip_adapter" in names
    file = tmp_path / "rows.yaml"
    file.write_text(SWEEP.format(protocol="base_to_new", names=", ".join([*names, "coop"])), encoding="utf-8")
    run(tmp_path, tmp_path / "home", monkeypatch)
    for row in read_results(tmp_path / "home"):
        assert {"test/base", "test/new", "test/H"} <= set(row.metrics)
    others = sorted(set(PROMPTLESS) - set(names))
    file.write_text(SWEEP.format(protocol="base_to_new", names=", ".join(others)), encoding="utf-8")
    answer = verb(monkeypatch, "validate", file)
    assert answer.exit_code == 2
    for name in others:
        assert f"{name} cannot be tested on classes that it was not trained on" in answer.output


def test_a_joint_study_keeps_one_for_every_task(tmp_path, monkeypatch):
    text = SWEEP.format(protocol="few_shot", names="tip_adapter, coop").replace("digits", "[digits, emoji]")
    (tmp_path / "rows.yaml").write_text(text, encoding="utf-8")
    run(tmp_path, tmp_path / "home", monkeypatch, "--set", "search.study=joint")
    folder = tmp_path / "home" / "trials" / "joint" / "tip_adapter"
    for task, classes in (("digits-2shot", 10), ("emoji-2shot", 30)):
        assert len(ns.load_reference(folder / task).classnames) == classes
    (tmp_path / "home" / "trials" / "joint" / "tip_adapter" / "emoji-2shot" / "reference.json").write_text(
        "{}"
    )
    said = run(tmp_path, tmp_path / "home", monkeypatch, "--set", "search.study=joint").stderr
    assert "restored from the copy in MLflow's artifacts" in said
    assert ns.load_reference(folder / "emoji-2shot").kind == "tip_adapter"
