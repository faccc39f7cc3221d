"""Samplers, pruners, annealings and datasets from outside; what a home keeps of them, and workers take."""

import json
import re
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.spec.dump import sweep_to_yaml
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.cluster.submission import pack
from nemesis_sweep.sweep.home.compatibility import refuse_another_sweep
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.modules import keep_modules
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.study import TaskStudy
from nemesis_sweep.sweep.trial_spec import TrialSpec

PARTS = '''
import optuna

import nemesis_sweep as ns
from own_annealing import halves


class Middle(optuna.samplers.RandomSampler):
    """Numbers from the middle of their range."""

    several_objectives = False
    asked = 3

    def __init__(self, seed: int, share: float = 0.5, *, word="x"):
        if not 0 <= share <= 1:
            raise ValueError("share is from 0 to 1.")
        super().__init__(seed)
        self.share = share

    def sample_independent(self, study, trial, name, distribution):
        value = super().sample_independent(study, trial, name, distribution)
        if isinstance(distribution, optuna.distributions.FloatDistribution):
            middle = (distribution.low + distribution.high) / 2
            return middle + self.share * (value - middle)
        return value


class Late(optuna.pruners.BasePruner):
    """Stops whatever is below a floor after the first judgement."""

    def __init__(self, first_epoch, floor=50.0):
        self.first_epoch, self.floor = first_epoch, floor

    def prune(self, study, trial):
        return trial.last_step > self.first_epoch and trial.intermediate_values[trial.last_step] < self.floor


class NoSampler:
    pass


def few(root):
    """The first five digits."""
    digits = ns.load_dataset("digits")
    kept = {name: [item for item in items if item.label < 5] for name, items in digits.splits.items()}
    splits = {"train": kept["train"], "test": kept["test"]}
    return ns.Dataset("few", digits.classnames[:5], digits.template, splits)


def labels_too_high():
    digits = ns.load_dataset("digits")
    return ns.Dataset("few", digits.classnames[:5], digits.template, dict(digits.splits))


def no_items():
    return ns.Dataset("few", ["a", "b"], "a {}.", {"train": [("file.png", 0)], "test": []})


def broken(root):
    return root / 0


def nothing():
    return None


def leaves():
    raise SystemExit


def made(names=("a", "b"), template="a {}.", **splits):
    items = [ns.Item(number % 2, f"{number}", content=b"") for number in range(9)]
    return ns.Dataset("made", names, template, {"train": items, "test": items, **splits})


def one_text():
    return made("ab")


def no_template():
    return made(template=None)


def a_generator():
    return made(train=(item for item in made().train))


def no_test():
    return made(test=[])


def nothing_for_test():
    return made(test=None)


def another_split():
    return made(tests=[])


def mixed_labels():
    return made(test=[ns.Item("a", "x", content=b""), ns.Item(1.0, "y", content=b"")])


class Leaves(Middle):
    def __init__(self, share=1):
        raise SystemExit


class Several(Middle):
    several_objectives = "no"


class Asked(Middle):
    asked = "often"


class Replicates(Late):
    replicates = "some"


number = 3
'''
ANNEALING = """
def halves(epoch, epochs):
    return 1.0 if epoch < epochs / 2 else 0.0


def one(epoch):
    return 1.0


def late(epoch, epochs):
    return 1 / (epoch - 3)


def leaves(epoch, epochs):
    raise SystemExit
"""
TEXT = """
name: own
tasks: {dataset: ["own_parts:few"], shots: [1], replicates: 2}
method: {anneal: "own_annealing:halves", epochs: 20}
space: {omega: {low: 1, high: 9}}
search: {sampler: "own_parts:Middle", sampler_options: {share: 0.1}, pruner: "own_parts:Late", baselines: []}
budget: {trials: 4}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "own_parts.py").write_text(PARTS)
    (folder / "own_annealing.py").write_text(ANNEALING)
    (folder / "own.yaml").write_text(TEXT)
    return folder / "own.yaml"


def load(file: Path, *overrides: str):
    return load_sweep(file, overrides, known_names(file.parent))


def test_a_sampler_and_a_pruner_propose_and_stop(file, storage):
    sweep = load(file)
    study = TaskStudy(sweep, sweep.task_list()[0], storage)
    drawn = []
    for number in range(4):
        proposal = study.next()
        drawn.append(proposal.params["omega"])
        assert not study.report(proposal.number, 5, 1.0)
        assert study.report(proposal.number, 10, 49.0 + number) == (number == 0)
        study.tell(proposal.number, TrialState.COMPLETE, 1.0, 1.0)
    assert all(4.6 <= value <= 5.4 for value in drawn) and len(set(drawn)) == 4
    again = TaskStudy(sweep, sweep.task_list()[0], optuna.storages.InMemoryStorage())
    assert again.next().params["omega"] == drawn[0], "it is seeded"


@pytest.mark.parametrize(
    ("override", "told"),
    [
        (
            "search.sampler_options={shar: 1}",
            "sampler_options.shar: unknown option of own_parts:Middle; allowed: ",
        ),
        (
            "search.sampler_options={share: true}",
            "sampler_options.share: wrong type; found true; allowed: a number",
        ),
        ("search.sampler_options={share: 2}", "own_parts:Middle refuses these options: share is from 0 to 1"),
        ("search.sampler=own_parts:NoSampler", "NoSampler does not extend optuna.samplers.BaseSampler"),
        (
            "search.sampler=own_parts:number",
            "search.sampler: own_parts:number does not extend optuna.samplers",
        ),
        (
            "search.pruner=own_parts:NoSampler",
            "search.pruner: own_parts:NoSampler does not extend optuna.pruners.BasePruner",
        ),
        ("search.pruner=own_parts:Latte", "search.pruner: own_parts has no Latte"),
        (
            "search.objective=[val/accuracy, norm/mean]",
            "search.sampler: cannot search for several objectives",
        ),
        (
            "method.anneal=own_annealing:one",
            "method.anneal: own_annealing:one cannot be computed for epoch 0",
        ),
        (
            "method.anneal=own_annealing:late",
            "method.anneal: own_annealing:late cannot be computed for epoch 3 of 50: ZeroDivisionError",
        ),
        (
            "method.anneal=own_annealing:leaves",
            "method.anneal: own_annealing:leaves cannot be computed for epoch 0 of 50: SystemExit",
        ),
        ("search.sampler=own_parts:Leaves", "own_parts:Leaves refuses these options: SystemExit"),
        (
            "search.sampler=own_parts:Several",
            "search.sampler: own_parts:Several has a `several_objectives` that is neither true nor false",
        ),
        (
            "search.sampler=own_parts:Asked",
            "search.sampler: own_parts:Asked has an `asked` that is no number",
        ),
        (
            "search.pruner=own_parts:Replicates",
            "search.pruner: own_parts:Replicates has `replicates` that are no number of them; found",
        ),
        ("method.anneal=own_annealing:two", "method.anneal: own_annealing has no two"),
        ("method.anneal=halve", "method.anneal: unknown annealing; found "),
        ("tasks.dataset=own_parts:fwe", "tasks.dataset: own_parts has no fwe"),
        ("tasks.dataset=own_parts:number", "tasks.dataset: own_parts:number is no function"),
        ("tasks.dataset=own_part:few", "there is no module own_part; found"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_key(file, override, told):
    with pytest.raises(UserError) as refused:
        load(file, override)
    lines = [str(problem) for problem in refused.value.problems]
    assert any(told in line for line in lines), lines
    assert all("\n" not in line for line in lines)


def test_a_dataset_is_what_its_function_gives(file):
    load(file)
    few = load_dataset("own_parts:few")
    assert (few.name, len(few.classnames)) == ("own_parts:few", 5)
    assert len(few.val) and len(few.train) and "val: our 20 % of train" in few.split


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("broken", "makes no dataset: TypeError: unsupported operand"),
        ("nothing", "gives what is no dataset; found None"),
        ("no_items", "gives in train what is no Item; found ('file.png', 0)"),
        ("labels_too_high", "gives labels in train that no class has"),
        ("leaves", "makes no dataset: SystemExit (line"),
        ("one_text", "gives class names that are no list; found 'ab'"),
        ("no_template", "gives a template without one place for the class name; found None"),
        ("a_generator", "gives no list of images for train; found <generator"),
        ("no_test", "gives no list of images for test; found []"),
        ("nothing_for_test", "gives no list of images for test; found None"),
        ("another_split", "gives other splits than there are; found {'train'"),
        ("mixed_labels", "gives labels in test that no class has; found [1.0, 'a']"),
    ],
)
def test_a_function_that_gives_none_is_told(file, name, told):
    load(file)
    with pytest.raises(UserError) as refused:
        load_dataset(f"own_parts:{name}")
    assert told in str(refused.value)
    if name == "broken":
        line = PARTS.splitlines().index("    return root / 0") + 1
        assert re.search(rf"\(line {line} of \S+/folder/own_parts\.py\)", str(refused.value))


def test_the_home_keeps_its_modules_and_refuses_changed_ones(file, tmp_path):
    home = Home(tmp_path / "home")
    home.create()
    home.lock.touch()
    sweep = load(file)
    assert [path.name for path in keep_modules(sweep, home)] == ["own_annealing.py", "own_parts.py"]
    home.sweep_file.write_text(sweep_to_yaml(sweep))
    refuse_another_sweep(load(file), home)
    annealing = file.parent / "own_annealing.py"
    annealing.write_text("# What it is for.\n" + ANNEALING)
    refuse_another_sweep(load(file), home)
    keep_modules(load(file), home)
    assert (home.path / "modules" / "own_annealing.py").read_text() == ANNEALING, "a comment changes nothing"
    annealing.write_text(ANNEALING.replace("1.0 if", "2.0 if"))
    with pytest.raises(UserError) as refused:
        refuse_another_sweep(load(file), home, extend=True)
    assert str(refused.value).splitlines()[1:] == ["  changed: own_annealing.py: its code"]
    assert "--fresh" in str(refused.value)


def test_a_home_whose_module_is_gone_says_so(file, tmp_path):
    home = Home(tmp_path / "home")
    home.create()
    home.lock.touch()
    sweep = load(file)
    keep_modules(sweep, home)
    home.sweep_file.write_text(sweep_to_yaml(sweep))
    (home.path / "modules" / "own_annealing.py").unlink()
    (home.path / "modules" / "own_parts.py").write_text("X = (\n")
    with pytest.raises(UserError) as refused:
        refuse_another_sweep(sweep, home)
    told = str(refused.value)
    assert "the home's own sweep file, or a module that it keeps, cannot be read" in told
    assert "own_parts cannot be imported: SyntaxError: '(' was never closed (line 1 of " in told
    copies = home.path / "mlartifacts" / "a-run" / "artifacts" / "modules"
    copies.mkdir(parents=True)
    for name, content in sweep.modules.files.items():
        (copies / name).write_bytes(content)
    said = []
    refuse_another_sweep(sweep, home, say=said.append)
    assert len(said) == 1 and "own_annealing.py, own_parts.py in " in said[0] and "restored" in said[0]
    assert (home.path / "modules" / "own_parts.py").read_text() == PARTS


def test_a_worker_takes_them_from_the_home_alone(file, tmp_path):
    """A process that knows the home and nothing of the folder, and stands where a file has Python's name."""
    home = Home(tmp_path / "home")
    home.create()
    sweep = load(file)
    keep_modules(sweep, home)
    (file.parent / "own_parts.py").unlink()
    task = sweep.task_list()[0]
    method = configuration(sweep, task, {"omega": 1.0})
    spec = TrialSpec(str(home.path), task, "0", "", {}, method, (1,), 5, 1)
    (tmp_path / "statistics.py").write_text("raise RuntimeError('mine')\n")
    code = (
        "import json, sys\nfrom nemesis_sweep.sweep.trial_spec import read_trial_spec\n"
        "read = read_trial_spec(json.load(sys.stdin))\n"
        "from nemesis_sweep.data.registry import load_dataset\n"
        "from nemesis_sweep.nemesis.annealings.registry import annealing\nimport statistics\n"
        "print(len(load_dataset(read.task.dataset).classnames), annealing(dict(read.method))(19, 20))"
    )
    given = json.dumps(spec.to_config())
    line = [sys.executable, "-P", "-c", code]
    done = subprocess.run(line, input=given, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stdout.split() == ["5", "0.0"], done.stderr


def test_submit_sends_them_and_they_are_found_there(file, tmp_path):
    sweep = load(file)
    sent = tmp_path / "sent"
    sent.mkdir()
    pack(sweep, sent, ship_code=False)
    names = sorted(path.relative_to(sent).as_posix() for path in sent.rglob("*") if path.is_file())
    assert names == ["modules/own_annealing.py", "modules/own_parts.py", "own.yaml"]
    for path in file.parent.glob("*.py"):
        path.unlink()
    assert load(sent / "own.yaml").modules.files == sweep.modules.files


def test_names_that_an_installed_package_adds(tmp_path, monkeypatch):
    """Entry points, as a package in site-packages has them."""
    (tmp_path / "added_parts.py").write_text(PARTS.replace("from own_annealing import halves\n", ""))
    info = tmp_path / "added-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: added\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[nemesis_sweep.samplers]\nmiddle = added_parts:Middle\n"
        "[nemesis_sweep.pruners]\nlate = added_parts:Late\n"
        "[nemesis_sweep.datasets]\nfew = added_parts:few\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "elsewhere" / "own.yaml"
    file.parent.mkdir()
    text = TEXT.replace("own_parts:Middle", "middle").replace("own_parts:Late", "late")
    file.write_text(text.replace("own_parts:few", "few").replace("own_annealing:halves", "logistic"))
    sweep = load(file)
    assert sweep.modules.files == {}
    assert len(load_dataset("few").classnames) == 5
    with pytest.raises(UserError, match=r"unknown sampler.*grid, middle.*Did you mean 'middle'"):
        load(file, "search.sampler=midle")
    with pytest.raises(UserError, match="unknown option of middle"):
        load(file, "search.sampler_options={shar: 1}")
