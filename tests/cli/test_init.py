"""`nemesis-sweep init`: what is written passes `validate`, with flags, without, and asked on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nemesis_sweep.cli import main
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.start.shipped import shipped_names
from tests.data.layouts import jpeg


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with some images."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEMESIS_SWEEP_DATA", raising=False)
    for name in ("oak", "elm"):
        for number in range(4):
            jpeg(tmp_path / "my trees" / name / f"{number}.jpg")
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(main, [*words])


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_file_is_written_valid(name: str, folder: Path) -> None:
    result = call("init", name)
    assert result.exit_code == 0, result.output
    assert f"nemesis-sweep run {name}.yaml" in result.output
    validated = call("validate", f"{name}.yaml")
    assert validated.exit_code == 0 and f"{name}.yaml is valid" in validated.output


def test_without_a_terminal_it_takes_defaults(folder: Path) -> None:
    assert call("init").exit_code == 0
    assert [path.name for path in folder.glob("*.yaml")] == ["pan.yaml"]


@pytest.mark.parametrize("space", [[], ["--from", "pun"]])
def test_images_of_ones_own(folder: Path, space: list[str]) -> None:
    result = call("init", "--images", "my trees", "--shots", "1,2", "--backbone", "RN50@random", *space)
    assert result.exit_code == 0, result.output
    assert "./my trees: 2 classes, 8 images" in result.output
    sweep = load_sweep(folder / "my-trees.yaml")
    assert (sweep.name, sweep.tasks.dataset, sweep.tasks.shots) == ("my-trees", ["./my trees"], [1, 2])
    assert sweep.tasks.backbone == ["RN50@random"]
    assert call("validate", "my-trees.yaml").exit_code == 0


def test_shots_that_the_images_do_not_have_are_not_proposed(folder: Path) -> None:
    """Of 4 images of a class 2 are to train on."""
    result = call("init", "--images", "my trees", "--from", "pan")
    assert result.exit_code == 0, result.output
    assert load_sweep(folder / "my-trees.yaml").tasks.shots == [1, 2]
    assert "shots at most 2: no class has more images to train on" in result.output
    assert call("init", "a.yaml", "--images", "my trees").exit_code == 0  # From 4 and 16 shots.
    assert load_sweep(folder / "a.yaml").tasks.shots == [2]
    assert call("init", "b.yaml", "--images", "my trees", "--shots", "16").exit_code == 0
    assert load_sweep(folder / "b.yaml").tasks.shots == [16]


def test_where_the_data_root_is_elsewhere_the_path_is_absolute(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEMESIS_SWEEP_DATA", "/somewhere")
    assert call("init", "a.yaml", "--images", "my trees").exit_code == 0
    assert load_sweep(folder / "a.yaml").tasks.dataset == [f"{folder}/my trees"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["punn"], "error: NAME: no sweep file of that name ships; found 'punn'"),
        (["punn"], "Did you mean 'pun'?"),
        (["--images", "my tree"], "error: --images: no such file or folder; found 'my tree'. Did you mean"),
        (
            ["--images", "my trees/oak"],
            "my trees/oak: no images in class folders; found 4 images beside them",
        ),
        (["--dataset", "digit"], 'error: --dataset: unknown dataset; found "digit"'),
        (["--shots", "4,x"], "error: --shots: not a number of images; found '4,x'"),
        (["--backbone", "RN51"], "error: --backbone: "),
        (["a/b.yaml"], "error: --to: no such folder; found "),
        (["pun", "--from", "pan"], "NAME and --from are the same"),
        (["a.yaml", "--to", "b.yaml"], "FILE and --to are the same"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_nothing_is_written(
    words: list[str], told: str, folder: Path
) -> None:
    result = call("init", *words)
    assert result.exit_code == 2
    assert told in result.stderr and "Traceback" not in result.output
    assert not list(folder.rglob("*.yaml"))


def test_a_file_that_exists_is_not_written_over(folder: Path) -> None:
    (folder / "pun.yaml").write_text("mine")
    result = call("init", "pun")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --to: there is such a file already; found pun.yaml; allowed: ")
    assert len(result.stderr.splitlines()) == 1
    assert (folder / "pun.yaml").read_text() == "mine"


def test_a_folder_in_which_nothing_can_be_made_is_one_line() -> None:
    result = call("init", "pun", "--to", "/proc/pun.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: --to: no folder can be made there: ")


@pytest.mark.parametrize("name", ["mixed", "mixed.yaml", "elsewhere/mixed.yaml"])
def test_a_shipped_name_without_a_file_is_told_how_to_come_by_one(name: str) -> None:
    result = call("run", name)
    assert result.exit_code == 2
    assert (
        f"error: {name}: no such file; `nemesis-sweep init mixed` writes the one that ships" in result.stderr
    )


def test_the_list_has_every_file_that_ships(folder: Path) -> None:
    lines = call("init", "--list").output.splitlines()
    assert [line.split()[0] for line in lines] == shipped_names()
    assert not list(folder.glob("*.yaml"))


def test_on_a_terminal_it_asks_and_asks_again(folder: Path) -> None:
    answers = ["my trees", "punn", "pun", "", "icon-clip"]
    parent, child = pty.openpty()
    os.write(parent, "".join(f"{answer}\n" for answer in answers).encode())
    line = [sys.executable, "-m", "nemesis_sweep", "init"]
    done = subprocess.run(line, stdin=child, stdout=child, stderr=child, timeout=60, check=False)
    told = os.read(parent, 100_000).decode()
    os.close(child)
    os.close(parent)
    assert done.returncode == 0, told
    assert "Did you mean 'pun'?" in told
    sweep = load_sweep(folder / "my-trees.yaml")
    assert (sweep.tasks.dataset, sweep.tasks.shots) == (["./my trees"], [1, 2])
    assert set(sweep.space) == {"omega", "norm", "anneal", "lr"}
