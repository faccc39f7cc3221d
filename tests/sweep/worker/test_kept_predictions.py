"""What trials predicted on their test images, without Ray: kept with the result, read without torch."""

import shutil
import subprocess
import sys
from dataclasses import replace
from math import isfinite
from pathlib import Path

import pytest
from optuna.storages import InMemoryStorage
from PIL import ImageChops

from nemesis_sweep.data.decoding.images import read_image
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.report.predictions import predictions_of
from nemesis_sweep.report.results import read_results, write_results
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.tested_images import FOLDER
from nemesis_sweep.sweep.names import known_names
from nemesis_sweep.sweep.predictions import FILE
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.rows import with_result
from nemesis_sweep.sweep.study import TaskStudy
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker.result import read_result
from nemesis_sweep.sweep.worker.session import Finished
from nemesis_sweep.sweep.worker.trial import open_trial
from tests.sweep.conftest import TEXT

SHORT = ("tasks.shots=2", "method.views=1", "method.epochs=2", "search.eval_every=1")
PROTOCOLS = {
    "few_shot": ("search.baselines=[zero_shot, linear_probe]",),
    "base_to_new": ("search.baselines=[zero_shot]",),
    "domain_generalization": (
        "search.baselines=[zero_shot]",
        "tasks.targets=[clipart_ink]",
    ),
}


@pytest.fixture(scope="module", params=PROTOCOLS)
def specs(request, tmp_path_factory):
    """Specs of the rows and of the first trial of a sweep, by their numbers; all are trained."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "made.yaml").write_text(TEXT)
    told = (*SHORT, f"tasks.protocol={request.param}", *PROTOCOLS[request.param])
    sweep = load_sweep(folder / "made.yaml", told, known_names())
    (task,) = sweep.task_list()
    home, study = Home(folder / "home"), TaskStudy(sweep, task, InMemoryStorage())
    home.create()
    made = {}
    while "0" not in made:
        proposal = study.next()
        values = {name: getattr(proposal, name) for name in ("number", "baseline", "params", "method")}
        spec = TrialSpec(str(home.path), task, **values, seeds=(1, 2), eval_every=1, threads=1)
        session = open_trial(spec)
        while not session.advance().done:
            pass
        made[proposal.number] = spec
    return made


def read(spec):
    """What a trial predicted, by accuracy."""
    return predictions_of(Path(spec.home), row_of(spec))


def row_of(spec):
    row = Row(study=spec.study, number=spec.number, task=spec.task.key)
    return with_result(row, read_result(spec.folder))


def test_every_test_set_and_replicate_gives_the_accuracy_of_the_result(specs):
    accuracies = {
        "few_shot": {"test/accuracy"},
        "base_to_new": {"test/base", "test/new"},
        "domain_generalization": {"test/source", "test/clipart_ink"},
    }
    for spec in specs.values():
        row = row_of(spec)
        found = read(spec)
        assert set(found) == accuracies[spec.task.protocol]
        for name, each in found.items():
            assert each.classes.shape == (2, len(each.images.labels))
            assert 100 * each.right.mean(axis=1) == pytest.approx(row.replicates[name])


def test_labels_class_names_and_images_are_those_of_the_test_split(specs):
    spec = specs["0"]
    task = spec.task
    for name, each in read(spec).items():
        data = load_dataset("clipart_ink" if name == "test/clipart_ink" else task.dataset)
        names = data.classnames
        if task.protocol == "base_to_new":
            names = names[:5] if name == "test/base" else names[5:]
        assert each.images.classnames == names
        items = [item for item in data.test if data.classnames[item.label] in names]
        assert [names[label] for label in each.images.labels] == [data.classnames[i.label] for i in items]
        for place in (0, len(items) - 1):
            assert not ImageChops.difference(each.images.image(place), read_image(items[place])[1]).getbbox()


@pytest.mark.parametrize("specs", ["base_to_new"], indirect=True)
def test_a_home_is_read_without_torch_where_it_was_moved(specs, tmp_path):
    spec = specs["0"]
    home = tmp_path / "moved"
    shutil.copytree(spec.home, home)
    program = f"""
import sys
from pathlib import Path
from nemesis_sweep.report.curves import curves_of
from nemesis_sweep.report.predictions import predictions_of
from nemesis_sweep.sweep.row import Row
row = Row(study={spec.study!r}, number="0", task={spec.task.key!r}, seeds=(1, 2),
          replicates={dict(row_of(spec).replicates)!r})
found = predictions_of(Path({str(home)!r}), row)
assert found and all(each.images.image(0).size for each in found.values())
assert [epoch for epoch, _ in curves_of(Path({str(home)!r}), row.study, "0")["norm/mean"]] == [1, 2]
print(sorted({{"torch", "mlflow", "ray", "open_clip"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("specs", ["base_to_new"], indirect=True)
@pytest.mark.parametrize("place", [FILE, FOLDER])
@pytest.mark.parametrize("damage", ["gone", "a byte", "empty"])
def test_a_trial_whose_predictions_are_damaged_is_not_trained_again(specs, tmp_path, place, damage):
    spec = specs["0"]
    shutil.copytree(spec.home, tmp_path / "home")
    spec = replace(spec, home=str(tmp_path / "home"))
    for path in [spec.folder / FILE] if place == FILE else (tmp_path / "home" / FOLDER).iterdir():
        whole = path.read_bytes()
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(b"" if damage == "empty" else whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    assert isinstance(open_trial(spec), Finished)
    if (damage, place) == ("gone", FILE):  # As of a trial of an earlier version.
        assert read(spec) == {}
    else:
        with pytest.raises(DamagedError):
            read(spec)


@pytest.mark.parametrize("specs", ["base_to_new"], indirect=True)
def test_predictions_that_do_not_give_the_accuracies_of_the_result_are_not_believed(specs, tmp_path):
    spec, other = specs["0"], specs["zero_shot"]
    shutil.copytree(spec.home, tmp_path / "home")
    spec, other = (replace(each, home=str(tmp_path / "home")) for each in (spec, other))
    assert row_of(spec).replicates["test/new"] != row_of(other).replicates["test/new"]
    shutil.copy(other.folder / FILE, spec.folder / FILE)
    with pytest.raises(DamagedError, match="does not give the accuracies of its trial"):
        read(spec)
    assert "test/new" in read(other)


@pytest.mark.parametrize("specs", ["few_shot"], indirect=True)
def test_a_trial_with_a_replicate_that_failed_keeps_no_predictions(specs, tmp_path):
    spec = replace(specs["0"], home=str(tmp_path / "home"))
    session = open_trial(spec)
    session.advance()
    session.fit.trainer.alive[1] = False
    told = session.advance()
    assert told.done and list(told.failed_seeds) == [2]
    assert not (spec.folder / FILE).exists()
    write_results(tmp_path, [row_of(spec)])
    (row,) = read_results(tmp_path)
    assert [isfinite(value) for value in row.replicates["test/accuracy"]] == [True, False]
