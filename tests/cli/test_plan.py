"""`nemesis-sweep plan`: how much there may be, and what of the data is not there yet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.data.class_counts import class_counts
from tests.data import layouts

PAN = Path(__file__).parents[2] / "search_spaces" / "pan.yaml"
PUN = PAN.with_name("pun.yaml")
VPT = PAN.with_name("vpt.yaml")


def plan(file: Path, *settings: str) -> str:
    arguments = ["plan", str(file), *(word for each in settings for word in ("--set", each))]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_a_control_that_only_may_come_makes_it_at_most_so_many() -> None:
    assert "\n36 trials and 9 baselines in all" in plan(PAN)
    assert "\nat most 120 trials and 18 baselines in all" in plan(PUN)
    assert "\n120 trials and 12 baselines in all" in plan(PUN, "search.baselines=[zero_shot, coop, paper]")


def test_given_points_are_counted_where_there_are_any() -> None:
    assert "sampled" in plan(PAN)
    assert "sampled" not in plan(PAN, "search.baselines=[zero_shot, coop]")


def test_any_number_of_trials_is_planned_at_once() -> None:
    assert f"\n{3 * 10**12} trials and 9 baselines in all" in plan(PAN, f"budget.trials={10**12}")


def test_corrupted_prompts_are_told() -> None:
    told = plan(PAN, "search.corrupt={rescale: [0.5, 2], replace: [], on: [val, test]}")
    assert (
        "\ncorrupt: each prompt is tested again on val and test with one vector changed, at every position, "
        "in 2 ways (rescale); nothing is chosen by it\n"
    ) in told
    some = plan(PAN, "search.corrupt={rescale: 0.5, replace: 0, positions: 3}")
    assert "at 1 position, in 2 ways (rescale, replace)" in some
    assert "corrupt:" not in plan(PAN)


def test_data_that_is_not_there_is_told_once_a_dataset(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("NEMESIS_SWEEP_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    layouts.folders("there", {"fly agaric": 0, "chanterelle": 0}, tmp_path, 9)
    told = plan(PAN, "tasks.dataset=[dtd, ./birds, ./there, clipart]", "tasks.shots=[1, 4]").splitlines()
    lines = [line for line in told if "no data yet" in line]
    look = "`nemesis-sweep datasets check {}` shows what is looked for)"
    fetch = "(`nemesis-sweep datasets fetch dtd` downloads it, "
    assert lines == [
        f"no data yet for dtd: DTD is not below {tmp_path} {fetch}{look.format('dtd')}",
        f"no data yet for ./birds: there is no {tmp_path / 'birds'} ({look.format('./birds')}",
    ]
    assert "`nemesis-sweep datasets check dtd --root /data`" in plan(
        PAN, "tasks.dataset=dtd", "tasks.root=/data"
    )


def test_a_narrow_terminal_cuts_no_number_whatever_the_names(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = "tasks.dataset=[./my/very/long/folder/of/photographs.parquet, ./another/one/photographs.parquet]"
    told = plan(PAN, long)
    assert "epochs" in told and "trials" in told and "sampled" in told and "…" not in told


@pytest.mark.parametrize("here", [True, False])
def test_a_folder_that_is_named_without_its_path_is_pointed_out(tmp_path: Path, monkeypatch, here) -> None:
    """Whether it lies in the current folder, where paths begin, or only beside the sweep file."""
    file = tmp_path / "own.yaml"
    file.write_text(PAN.read_text())
    (tmp_path / "shapes").mkdir()
    monkeypatch.delenv("NEMESIS_SWEEP_DATA", raising=False)
    monkeypatch.chdir(tmp_path if here else "/")
    result = CliRunner().invoke(main, ["plan", str(file), "--set", "tasks.dataset=[shapes]"])
    assert result.exit_code == 2
    written = "./shapes" if here else str(tmp_path / "shapes")
    assert f"Did you mean '{written}'?" in result.stderr


def test_how_coarse_the_selection_is_and_which_classes_are_short(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    layouts.folders("own/train", {"fly agaric": 0, "chanterelle": 0}, tmp_path, 6)
    layouts.folders("own/val", {"fly agaric": 0, "chanterelle": 0}, tmp_path, 10)
    layouts.folders("own/test", {"fly agaric": 0, "chanterelle": 0}, tmp_path, 2)
    own = ("tasks.dataset=./own", f"tasks.root={tmp_path}", "tasks.shots=[2, 8]", "tasks.replicates=2")
    told = plan(PAN, *own, "tasks.val_shots=published").splitlines()
    assert (
        "own-2shot: 4 validation images a replicate, 1 image = 25.0 points; standard error about 19.4 points "
        "at 50 %, over 2 replicates; `tasks.val_shots: all` has 20 images"
    ) in told
    assert (
        "own-8shot: too few images in train, so all are taken, of 2 classes: chanterelle (6), fly agaric (6)"
        in told
    )
    told = plan(PAN, *own, "tasks.val_shots=all").splitlines()
    assert (
        "own-2shot, own-8shot: 20 validation images a replicate, 1 image = 5.0 points; "
        "standard error about 11.2 points at 50 %, over 2 replicates"
    ) in told
    assert "too few images in val, so all are taken, of 2" in plan(PAN, *own, "tasks.val_shots=12")
    joint = plan(PAN, *own, "search.study=joint")
    assert "the mean over the 2 tasks: standard error about 7.9 points at 50 %" in joint
    many = plan(
        PAN, "tasks.dataset=[digits, clipart, emoji]", "tasks.shots=[1, 2, 4]", "tasks.val_shots=published"
    )
    assert "\n3 other tasks with a smaller standard error" in many


@pytest.mark.parametrize("verb", ["plan", "validate", "run"])
def test_data_that_a_run_refuses_is_refused(tmp_path: Path, verb: str, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.csv").write_text("picture;kind\n")
    layouts.folders("one", {"fly agaric": 0}, tmp_path, 6)
    for name, told in (("own.csv", f"error: {tmp_path}/own.csv"), ("one", "fewer than two classes")):
        result = CliRunner().invoke(main, [verb, str(PAN), "--set", f"tasks.dataset=[digits, ./{name}]"])
        assert (result.exit_code, result.stdout) == (2, "")
        assert told in result.stderr


def test_a_run_names_the_line_of_data_that_is_not_there(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "pan.yaml"
    text = re.sub(r"\n  dataset: .*", "\n  dataset:\n    - digits\n    - ./nothing", PAN.read_text())
    file.write_text(text)
    line = text.splitlines().index("    - ./nothing") + 1
    result = CliRunner().invoke(main, ["run", str(file)])
    assert (result.exit_code, result.stdout) == (2, "")
    told = f"error: {file}:{line}: tasks.dataset.1: no such file or folder; found {tmp_path}/nothing"
    assert result.stderr.startswith(told)
    tested = ["tasks.dataset=digits", "tasks.protocol=domain_generalization", "tasks.targets=[./nothing]"]
    settings = [word for each in (*tested, "search.baselines=[coop]") for word in ("--set", each)]
    result = CliRunner().invoke(main, ["run", str(PAN), *settings])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--set tasks.targets=[./nothing]: tasks.targets.0: no such file or folder" in result.stderr
    for verb in ("plan", "validate", "run"):
        result = CliRunner().invoke(main, [verb, str(PAN), "--set", "tasks.dataset=~nobody.here/x"])
        assert result.exit_code == 2
        assert "tasks.dataset.0: no such user; found '~nobody.here/x'" in result.stderr


def test_names_and_baselines_are_whole_in_80_columns(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    backbones = "[ViT-B-16@laion2b_s34b_b88k, ViT-B-16@datacomp_xl_s13b_b90k]"
    told = plan(
        PAN, f"tasks.backbone={backbones}", "search.baselines=[zero_shot, zero_shot_ensemble, coop, paper]"
    )
    assert "\u2502 digits-16shot-ViT-B-16-datacomp_xl_s13b_b90k \u2502" in told
    assert "\nbaselines beside them: zero_shot, zero_shot_ensemble, coop\n" in told
    assert "\npaper is a point of the space: trial 0\n" in told


def test_the_paper_setting_is_beside_the_trials_where_it_is_none_of_them() -> None:
    told = plan(PAN, "space.omega.high=5")
    assert "\nbaselines beside them: zero_shot, linear_probe, coop, paper\n" in told
    assert "is a point of the space" not in told
    assert "is a point of the space" not in plan(PAN, "budget.trials=0")


def test_prompts_in_the_image_tower_are_another_class_of_cost(monkeypatch) -> None:
    """And the room of the tokens: 197 of width 768 a view, of 2 x 4 shots of each class, val and test."""
    monkeypatch.setenv("COLUMNS", "200")
    own = ("tasks.dataset=digits", "tasks.shots=4", "tasks.replicates=2", "method.vision_last=2")
    told = plan(VPT, *own).splitlines()
    assert (
        "vpt: every step runs the last 2 of the 12 blocks of the image tower of ViT-B-16@openai, forward and "
        "back, and every trial runs all its test images through them; plan --probe says how long that takes"
    ) in told
    (size,) = (line for line in told if "kB a view" in line)
    counts = class_counts("digits").splits
    views = 2 * 4 * len(counts["train"]) + sum(counts["val"]) + sum(counts["test"])
    assert size == (
        f"ViT-B-16@openai: at most {views} image views take {605184 * views / 2**30:.1f} GiB in the cache "
        "(605 kB a view)"
    )
    several = plan(VPT, *own[:3], "method={prompt: vpt}", "space.vision_last={choices: [2, 4]}")
    assert "every step runs the last 2 or 4 of the 12 blocks of the image tower" in several
    assert "image tower" not in plan(PAN)


def test_confirmations_are_counted_with_their_own_seeds() -> None:
    before, after = plan(PAN), plan(PAN, "search.confirm={top: 2, seeds: 4}")
    prompts = [int(re.search(r"(\d+) prompts to train", told)[1]) for told in (before, after)]
    tasks = 3
    assert prompts[1] - prompts[0] == tasks * 3 * 4
    assert "\nat most 36 trials and 18 baselines in all" in after
    assert "confirm (3)" in after
    assert "\nconfirm: the 2 best and plain CoOp are trained again on seeds 9 to 12\n" in after


def test_a_search_that_may_end_before_makes_it_at_most_so_many() -> None:
    told = plan(PAN, "budget={until: converged, trials: 50}")
    assert "\nat most 150 trials and 9 baselines in all" in told
    assert "\nbudget.until converged: a study may end before its 50 trials; it is asked when 20 are" in told
    assert "never asked, for that takes 20 complete trials" in plan(PAN, "budget.until=converged")
