"""Every command of README.md is one that works."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nemesis_sweep.spec.dump import resolved
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.names import known_names

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    shlex.split(line, comments=True)
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
# Short versions of what takes minutes: the same command, less to do.
LESS = [
    "--set",
    "tasks.dataset=digits",
    "--set",
    "tasks.shots=1",
    "--set",
    "method.epochs=2",
    "--trials",
    "1",
]
SHIPPED = ["nemesis-sweep", "run", "search_spaces/pan.yaml"]
"""Run, with less to do, by tests/test_prediction_page.py, which then uses its home."""
# OF_A_HOME are tested beside the sweep that they need: tests/cli/test_run.py, tests/tracking/test_server.py.
LOOKING = ("init", "validate", "plan", "cache", "backbones", "datasets", "bench")
OF_A_HOME = ("status", "report", "classify", "export", "words", "replay", "corrupt", "stop", "ui")
# Of a cluster: tests/cli/test_submit.py and, with a real one, tests/cli/test_submit_cluster.py.
ELSEWHERE = ("submit",)


def of(program: str, *verbs: str) -> list[list[str]]:
    return [c for c in COMMANDS if c[0] == program and (not verbs or c[1] in verbs)]


def marked(commands: list[list[str]]) -> list:
    """Those that measure take their time."""
    return [
        pytest.param(
            command,
            id=" ".join(command),
            marks=pytest.mark.slow if {"bench", "--probe"} & set(command) else (),
        )
        for command in commands
    ]


def call(words: list[str]) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "nemesis_sweep", *words]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def test_it_opens_with_the_two_commands():
    assert [c[:2] for c in COMMANDS[:2]] == [["make", "sweep"], ["make", "test"]]


def test_no_command_is_left_out():
    ours = of("nemesis-sweep", "run", *LOOKING, *OF_A_HOME, *ELSEWHERE)
    assert len(of("make")) + len(ours) == len(COMMANDS)


@pytest.mark.parametrize("command", of("make"), ids=" ".join)
def test_make_knows_its_targets(command):
    answer = subprocess.run(
        ["make", "-n", *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("command", marked(of("nemesis-sweep", *LOOKING)))
def test_commands_that_only_look_work_as_they_stand(command):
    answer = call(command[1:])
    assert answer.returncode == 0, answer.stderr


@pytest.mark.cluster
@pytest.mark.parametrize("command", [c for c in of("nemesis-sweep", "run") if c != SHIPPED], ids=" ".join)
def test_runs_work_when_there_is_less_to_do(command, tmp_path):
    answer = call([*command[1:], *LESS, "--home", str(tmp_path / "home")])
    assert answer.returncode == 0, answer.stderr
    assert "best found" in answer.stdout


@pytest.mark.parametrize("command", of("nemesis-sweep", *ELSEWHERE), ids=" ".join)
def test_a_command_for_a_cluster_fails_only_for_want_of_one(command):
    answer = call(command[1:])
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: --address: ")
    assert "found http://HEAD:8265" in answer.stderr


@pytest.mark.slow
def test_the_python_that_it_shows_runs(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert answer.returncode == 0, answer.stderr
    assert "torch.Size([2, 4, 128])" in answer.stdout
    # The figure that is told is the one that is printed, as far as machines agree.
    (told,) = re.findall(r"It prints (\d+\.\d) percent", README)
    (printed,) = re.findall(r"^(\d+\.\d+) torch", answer.stdout, re.MULTILINE)
    assert float(printed) == pytest.approx(float(told), abs=3)


def test_the_figure_of_zero_shot_is_the_measured_one():
    from nemesis_sweep import episode_features, load_backbone, load_dataset
    from nemesis_sweep.training.references.zero_shot import zero_shot

    backbone, dataset = load_backbone("icon-clip"), load_dataset("digits")
    features = episode_features(dataset, backbone, shots=1, seeds=(1,), views=1)
    (told,) = re.findall(r"zero-shot classification of the same images has (\d+\.\d)", README)
    (measured,) = zero_shot(backbone, dataset, features).metrics["test/accuracy"]
    assert measured == pytest.approx(float(told), abs=0.5)


def test_the_sweep_file_that_it_shows_is_the_shipped_one(tmp_path):
    text = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[0]
    file = tmp_path / "shown.yaml"
    file.write_text(text)
    shown, shipped = (
        load_sweep(path, known=known_names()) for path in (file, ROOT / "search_spaces" / "pan.yaml")
    )
    assert resolved(shown) == resolved(shipped)


def test_the_parts_of_sweep_files_that_it_shows_are_valid(tmp_path):
    parts = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[1:]
    assert parts
    for part in parts:
        file = tmp_path / "shown.yaml"
        file.write_text(f"name: shown\n{part}\nspace: {{omega: {{low: 1, high: 2}}}}\n")
        assert load_sweep(file, known=known_names()).tasks.dataset


def test_the_files_and_folders_that_it_names_are_there():
    for name in re.findall(r"`((?:search_spaces|nemesis_sweep|launch)/[^`]*)`", README):
        assert (ROOT / name).exists(), name


def test_every_search_space_that_ships_is_named():
    section = README.partition("## Search spaces\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"(\w+)\.yaml`", section))
    assert named == {path.stem for path in (ROOT / "search_spaces").glob("*.yaml")}
