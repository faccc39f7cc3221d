"""A worker with a prompt method, an annealing and a dataset from outside: it has the home, and no more."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import nemesis_sweep as ns
from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.spec.dump import sweep_to_yaml
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.outside.beside import BESIDE
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.modules import keep_modules
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.trial_spec import TrialSpec
from tests.test_extending_page import FILES, PROMPT

WORKER = """
import json, sys
from nemesis_sweep.sweep.worker.trainable import PromptTrainable

actor = PromptTrainable(json.load(sys.stdin))
while not (told := actor.step())["done"]:
    pass
print(json.dumps(told))
"""


@pytest.fixture
def assigned(tmp_path: Path):
    """A home of the sweep of docs/extending.md, without the folder of its file, and a trial of it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, body in FILES.items():
        (folder / name).write_text(body)
    sweep = load_sweep(folder / "extending.yaml", known=known_names(folder))
    home = Home(tmp_path / "home")
    home.create()
    home.lock.touch()
    keep_modules(sweep, home)
    home.sweep_file.write_text(sweep_to_yaml(sweep))
    for file in folder.iterdir():
        file.unlink()
    task = sweep.task_list()[0]
    params = {"omega": 0.1, "prompt": PROMPT, "alpha": 0.5}
    method = configuration(sweep, task, params)
    yield TrialSpec(str(home.path), task, "0", "", params, method, (1, 2), 5, 1)
    BESIDE.look_in(None)


def work(spec: TrialSpec) -> dict:
    """What a process of its own tells of the trial in the end."""
    given = json.dumps(spec.to_config())
    line = [sys.executable, "-P", "-c", WORKER]
    done = subprocess.run(line, input=given, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_it_trains_and_what_it_learnt_is_read_on(assigned):
    told = work(assigned)
    assert "failure" not in told and "cause" not in told, told
    prompt = ns.load_prompt(assigned.folder)
    assert (prompt.kind, prompt.method["alpha"]) == (PROMPT, 0.5)
    assert prompt.tensors["residual"].shape[:2] == (2, 10)
    image = ns.load_dataset("my_data:bright_digits").test[0].read()
    assert len(ns.Classifier(prompt).predict([image], top=3)[0]) == 3


NO_LEARNER = """
import nemesis_sweep as ns


class ResidualFields(ns.Fields):
    alpha: float = 0.5


class Residual:
    fields = ResidualFields
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nowhere_at_all\n", "my_prompts cannot be imported: ModuleNotFoundError: No module"),
        (NO_LEARNER, "Residual does not extend nemesis_sweep.Learner"),
    ],
    ids=["import", "class"],
)
def test_what_a_node_cannot_import_is_no_trials_failure(assigned, text, told):
    """As where a node lacks a package that the module needs."""
    (Path(assigned.home) / "modules" / "my_prompts.py").write_text(text)
    answer = work(assigned)
    assert told in str(answer["cause"]), answer
