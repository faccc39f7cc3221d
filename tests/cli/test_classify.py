"""`nemesis-sweep classify`: images of one's own, by the best prompt of a sweep or another one."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import nemesis_sweep as ns
from nemesis_sweep.cli import main
from nemesis_sweep.cli.classify import TOGETHER
from tests.sweep.home.earlier import DIGITS, PHOTOS, unpacked

COOP = f"per_task/trials/{DIGITS}/coop"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Homes of a sweep on digits and on photos; below `own` three images and something else."""
    folder = unpacked(tmp_path_factory.mktemp("homes"))
    own = folder / "own"
    (own / "below").mkdir(parents=True)
    items = ns.load_dataset("digits").test[:3]
    for name, item in zip(("b.png", "a.PNG", "below/c.png"), items, strict=True):
        (own / name).write_bytes(item.read())
    (own / "notes.txt").write_text("no image")
    return folder


@pytest.fixture(autouse=True)
def in_the_folder(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)


def classify(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["classify", *map(str, words)])


def test_it_says_what_classifier_says(folder) -> None:
    trial = folder / "per_task" / "trials" / DIGITS / "1"
    answer = classify("own", "--prompt", trial, "--top", "2", "--json")
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    files = ["own/a.PNG", "own/b.png", "own/below/c.png"]
    assert [each["image"] for each in told] == files
    wanted = ns.Classifier(ns.load_prompt(trial)).predict(files, top=2)
    found = [[(one["class"], one["probability"]) for one in each["classes"]] for each in told]
    assert [[name for name, _ in each] for each in found] == [[name for name, _ in each] for each in wanted]
    assert found[0][0][1] == pytest.approx(wanted[0][0][1], abs=1e-6)


def test_of_a_home_it_takes_the_best_of_a_task() -> None:
    answer = classify("own/a.PNG", "--prompt", "per_task", "--task", DIGITS)
    assert answer.exit_code == 0, answer.output
    assert f"of {DIGITS}, the best of sweep" in answer.stderr
    assert answer.stdout.startswith("own/a.PNG  ")
    assert answer.stdout.count(" %") == 3


def test_the_best_of_a_joint_sweep_has_a_prompt_for_each_task() -> None:
    answer = classify("own/a.PNG", "--prompt", "joint", "--task", PHOTOS)
    assert answer.exit_code == 0, answer.output


def test_csv_has_a_line_for_every_class() -> None:
    answer = classify("own", "--prompt", COOP, "--csv", "--top", "10")
    rows = list(csv.DictReader(io.StringIO(answer.stdout)))
    assert len(rows) == 30
    assert sum(float(row["probability"]) for row in rows[:10]) == pytest.approx(1.0)


def test_other_class_names() -> None:
    answer = classify("own/a.PNG", "--prompt", COOP, "--classnames", "zero, cat", "--json")
    assert {one["class"] for one in json.loads(answer.stdout)[0]["classes"]} == {"zero", "cat"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["own/none.png", "--prompt", "joint"], "IMAGE: no such file or folder; found own/none.png"),
        (["joint", "--prompt", "joint"], "FOLDER: no image in this folder; found joint"),
        (["own/notes.txt", "--prompt", COOP], "own/notes.txt: cannot read this image"),
        (["own", "--prompt", "per_task"], "--task: this sweep has several datasets"),
        (["own", "--prompt", "per_task", "--task", DIGITS[:-1]], f"Did you mean {DIGITS!r}"),
        (["own", "--prompt", COOP, "--task", "digits"], "--task: a prompt alone has no tasks; found digits"),
        (["own", "--prompt", "own"], "PROMPT: neither a sweep nor a prompt is here; found own; allowed: a"),
        (["own", "--prompt", "pertask"], "PROMPT: no such folder; found pertask"),
        (["own", "--prompt", "pertask"], "Did you mean 'per_task'"),
        (["own", "--prompt", COOP, "--json", "--csv"], "either --json or --csv"),
        (["own", "--prompt", "0" * 32], "PROMPT: no such run in MLflow"),
        (["own", "--prompt", COOP, "--seed", "77"], "seed: no such seed"),
    ],
)  # fmt: skip
def test_bad_input_has_one_line(words, told) -> None:
    answer = classify(*words)
    assert answer.exit_code == 2
    assert told in answer.stderr
    assert answer.stdout == ""


def test_without_any_sweep_the_option_that_names_one_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("some.png").touch()
    answer = classify("some.png")
    assert answer.exit_code == 2
    assert answer.stderr == "error: --prompt: name the folder of a sweep; there is none below ./sweeps\n"


def test_the_name_of_a_sweep_in_place_of_its_home_is_told(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sweeps").mkdir()
    Path("sweeps/photos").symlink_to(folder / "per_task")
    answer = classify(folder / "own", "--prompt", "photos")
    assert (answer.exit_code, "Did you mean 'sweeps/photos'" in answer.stderr) == (2, True), answer.output


def test_what_is_hidden_in_a_folder_is_left_out(folder, tmp_path) -> None:
    for place in ("._a.png", ".thumbnails/a.png", "__MACOSX/a.png", "below/._b.png"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(b"no image")
    (tmp_path / "a.png").write_bytes((folder / "own" / "b.png").read_bytes())
    found = classify(tmp_path, "--prompt", folder / COOP, "--top", "1")
    assert found.exit_code == 0, found.output
    assert [line.split("  ")[0] for line in found.stdout.splitlines()] == [f"{tmp_path}/a.png"]


def test_links_to_folders_are_followed_and_rings_left(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("linked").mkdir()
    Path("linked/own").symlink_to(folder / "own")
    Path("linked/ring").symlink_to("../linked")
    Path("linked/itself.png").symlink_to("itself.png")
    found = classify("linked", "--prompt", folder / COOP, "--top", "1", "--csv")
    assert found.exit_code == 0, found.output
    files = [row["image"] for row in csv.DictReader(io.StringIO(found.stdout))]
    assert files == ["linked/own/a.PNG", "linked/own/b.png", "linked/own/below/c.png"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("", "a class without a name; found ''"),
        ("cat,,dog", "a class without a name; found 'cat,,dog'"),
        ("cat, dog,cat", "a class is named twice; found cat"),
        ("cat", "one class alone is always certain; found cat"),
    ],
)
def test_other_classes_are_two_names_or_more(names, told) -> None:
    answer = classify("own/a.PNG", "--prompt", COOP, "--classnames", names)
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"error: --classnames: {told}; allowed: ")


def test_killed_in_the_middle_it_leaves_no_line(folder, tmp_path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    # So many that most are left when the first are told, however slow this machine is.
    for number in range(20 * TOGETHER):
        (many / f"{number}.png").symlink_to(folder / "own" / "b.png")
    words = [sys.executable, "-m", "nemesis_sweep", "classify", "--csv", "--prompt", str(folder / COOP)]
    with (
        (tmp_path / "told").open("wb") as told,
        subprocess.Popen([*words, str(many)], stdout=told, stderr=subprocess.PIPE, text=True) as running,
    ):
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith(f"{TOGETHER} of "):
                running.kill()
        assert running.wait() == -signal.SIGKILL
    assert (tmp_path / "told").read_bytes() == b""
