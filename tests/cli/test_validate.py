"""`nemesis-sweep validate` and the group of verbs, from outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from nemesis_sweep.cli import VERBS, main
from tests.data.layouts import jpeg

PAN = Path(__file__).parents[2] / "search_spaces" / "pan.yaml"
CONVERGED = ("--set", "budget.until=converged")
COMMAND = [str(Path(sys.executable).with_name("nemesis-sweep"))]
HEAVY = {"torch", "open_clip", "ray", "optuna", "mlflow", "pandas", "pyarrow", "numpy"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_a_good_file_is_called_valid_with_what_it_holds() -> None:
    result = run("validate", str(PAN))
    assert (result.returncode, result.stderr) == (0, "")
    assert f"{PAN} is valid: tasks 3, trials per task 12, baselines 4" in result.stdout


def test_the_resolved_file_can_be_validated_again(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["validate", str(PAN), "--resolved", "--set", "budget.trials=3"])
    assert yaml.safe_load(result.output)["budget"]["trials"] == 3
    (tmp_path / "again.yaml").write_text(result.output)
    assert CliRunner().invoke(main, ["validate", str(tmp_path / "again.yaml")]).exit_code == 0


def test_a_bad_file_ends_with_2_and_every_problem_but_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(PAN.read_text().replace("sampler: tpe", "sampler: tpee").replace("low: 1,", "low: 1000,"))
    result = run("validate", str(path), "--set", "budget.trials=many")
    assert result.returncode == 2
    assert result.stdout == ""
    lines = path.read_text().splitlines()
    low = next(number for number, line in enumerate(lines, 1) if "low: 1000" in line)
    sampler = next(number for number, line in enumerate(lines, 1) if "tpee" in line)
    assert result.stderr.splitlines()[0] == "error: 3 problems:"
    assert f"{path}:{low}: space.omega.low: low is above high (100); found 1000" in result.stderr
    assert f"{path}:{sampler}: search.sampler: unknown sampler" in result.stderr
    assert "Did you mean 'tpe'?" in result.stderr
    assert "--set budget.trials=many: budget.trials: wrong type" in result.stderr
    assert "Traceback" not in result.stderr


def test_data_that_is_not_there_is_told_with_how_to_look_for_it_and_fetch_it(tmp_path) -> None:
    (tmp_path / "a.yaml").write_text(
        PAN.read_text().replace("[digits]", "[dtd, ucf101, torchvision:CIFAR10]")
    )
    command = ["validate", str(tmp_path / "a.yaml"), "--set", f"tasks.root={tmp_path}"]
    told = CliRunner().invoke(main, command)
    assert told.exit_code == 0
    check, fetch = (f"`nemesis-sweep datasets {verb} {{}} --root {tmp_path}`" for verb in ("check", "fetch"))
    dtd, ucf, cifar = told.output.splitlines()[1:]
    how = f"({fetch.format('dtd')} downloads it, {check.format('dtd')} shows what is looked for)"
    assert dtd == f"no data yet for dtd: DTD is not below {tmp_path} {how}"
    assert ucf.endswith(f"({check.format('ucf101')} shows what is looked for)")
    assert cifar.endswith(
        f"({check.format('torchvision:CIFAR10')} asks, {fetch.format('torchvision:CIFAR10')} downloads it)"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["validate", "no/such.yaml"], "error: no/such.yaml: no such file"),
        (["validate", "."], "error: .: cannot be read: a folder, not a file"),
        (["validate"], "Missing argument 'FILE'"),
        (["vlaidate", "x"], "unknown command 'vlaidate'"),
        (["vlaidate", "x"], "Did you mean 'validate'?"),
    ],
)
def test_what_cannot_be_done_ends_with_2(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_help_names_every_verb_and_each_has_its_own() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for verb in VERBS:
        assert f"  {verb} " in result.output
        own = CliRunner().invoke(main, [verb, "--help"])
        assert own.exit_code == 0, own.output
        assert own.output.startswith(f"Usage: main {verb} ")


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.output.startswith("nemesis-sweep, version ")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["validate", str(PAN)], ["plan", str(PAN)], ["plan", str(PAN), *CONVERGED]]
)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom nemesis_sweep.cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        "print('IMPORTED', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    imported = set(result.stdout.splitlines()[-1].split())
    assert "click" in imported
    assert imported & HEAVY == set()


def test_plan_says_one_where_there_is_one() -> None:
    settings = (
        "tasks.dataset=digits",
        "tasks.shots=1",
        "tasks.replicates=1",
        "method.epochs=1",
        "budget.trials=1",
    )
    joint = ("search.study=joint", "search.baselines=[]")
    arguments = [str(PAN), *(word for setting in (*settings, *joint) for word in ("--set", setting))]
    shown = CliRunner().invoke(main, ["plan", *arguments]).output
    assert "sweep pan: 1 replicate a trial" in shown
    assert ": 1 epoch\n" in shown
    assert "1 trial in all, 1 prompt to train;" in shown


def test_plan_of_a_joint_study_counts_trials_once_and_prompts_for_every_task() -> None:
    arguments = [str(PAN), "--set", "search.study=joint"]
    shown = CliRunner().invoke(main, ["plan", *arguments]).output
    # 12 trials and plain CoOp train, on 3 tasks with 8 seeds; zero-shot and the linear probe do not.
    assert "12 trials and 3 baselines in all, 312 prompts to train" in shown
    assert "selected on val/accuracy, the mean over all tasks" in shown
    assert "digits-1shot" in shown
    assert (
        "tasks 3, joint trials over all tasks 12" in CliRunner().invoke(main, ["validate", *arguments]).output
    )


OWN = "name: own\ntasks: {{dataset: [{names}], root: {root}}}\nspace: {{omega: {{low: 1, high: 2}}}}\n"


def own(root: Path, *names: str) -> subprocess.CompletedProcess[str]:
    (root / "own.yaml").write_text(OWN.format(names=", ".join(names), root=root))
    return run("validate", str(root / "own.yaml"))


def test_data_of_ones_own_is_looked_at(tmp_path: Path) -> None:
    for name in ("red", "blue/a", "blue/b"):
        jpeg(tmp_path / "mine" / name / "0.jpg")
    (tmp_path / "mine" / "notes\n.txt").write_text("")
    result = own(tmp_path, "./mine", "./gone", "digits")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[1:4] == [
        "./mine: 2 classes, 3 images",
        "note: ./mine: images in folders inside a class folder belong to its class: blue (2 in a, b)",
        r"note: ./mine: left out beside the class folders: 1 file, 0 images among them (notes\n.txt)",
    ]


def test_what_can_only_be_tested_on_is_refused_where_it_would_be_learnt(tmp_path: Path) -> None:
    for name in ("red", "blue"):
        jpeg(tmp_path / "mine/test" / name / "0.jpg")
        jpeg(tmp_path / "other/train" / name / "0.jpg")
    text = (
        "name: own\ntasks:\n  root: {root}\n  dataset: [{learnt}]\n  targets: [{tested}]\n"
        "  protocol: domain_generalization\nspace: {{omega: {{low: 1, high: 2}}}}\n"
    )
    path = tmp_path / "own.yaml"
    path.write_text(text.format(root=tmp_path, learnt="./other", tested="./mine"))
    assert run("validate", str(path)).returncode == 0
    path.write_text(text.format(root=tmp_path, learnt="./mine", tested="./other"))
    result = run("validate", str(path))
    assert result.returncode == 2
    assert result.stderr == (
        f"error: {path}:4: tasks.dataset: ./mine has no training images; "
        "allowed: only as a target that is tested on\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", f"{'x' * 300}.yaml"],
        ["validate", str(PAN), "--set", f"tasks.dataset=./{'x' * 300}"],
        ["validate", str(PAN), "--set", f"tasks.root=/{'x' * 300}"],
        ["validate", str(PAN), "--set", f"tasks.backbone=./{'x' * 300}"],
        ["validate", str(PAN), "--set", f"tasks.backbone={'x' * 300}"],
        ["plan", str(PAN), "--set", f"tasks.dataset=./{'x' * 300}"],
        ["datasets", "check", "dtd", "--root", "x" * 300],
        ["run", str(PAN), "--home", f"/{'x' * 300}"],
        ["run", str(PAN), "--simulate", f"/{'x' * 300}"],
        ["status", f"/{'x' * 300}"],
        ["stop", f"/{'x' * 300}"],
    ],
    ids=lambda words: " ".join(word[:20] for word in words),
)
def test_a_path_that_is_too_long_is_no_traceback(arguments, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert result.exit_code in (0, 2) and "Traceback" not in result.output


def test_data_of_ones_own_that_a_run_would_refuse_is_refused_all_at_once(tmp_path: Path) -> None:
    for path in ("one/images/0.jpg", "numbered/0/0.jpg", "numbered/1/0.jpg", "lost/a/0.jpg", "lost/b/0.jpg"):
        jpeg(tmp_path / path)
    (tmp_path / "lost" / "c").mkdir()
    (tmp_path / "labels.csv").write_text("path,label\na.jpg,0.0\nb.jpg,1.0\n")
    result = own(tmp_path, "./one", "./numbered", "./lost", "labels.csv")
    assert (result.returncode, result.stdout) == (2, "")
    for line in (
        f"{tmp_path}/one: fewer than two classes; found 'images'",
        f"{tmp_path}/numbered: names of class folders are numbers; found 0, 1",
        f"{tmp_path}/lost: class folders without images; found 'c' (empty)",
        f"{tmp_path}/labels.csv:2: label: labels are numbers; found 0.0, 1.0",
    ):
        assert line in result.stderr
