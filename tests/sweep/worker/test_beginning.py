"""What keeps a trial from beginning: told as the cause of all, unless it is the trial's own."""

import builtins
import pickle
from pathlib import Path

import pytest
import torch

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.cause import BACKBONE, DATASET, TASK, WORKERS, Cause, SharedCauseError
from nemesis_sweep.sweep.trial_spec import TrialSpec
from nemesis_sweep.sweep.worker import worker_cache
from nemesis_sweep.sweep.worker.beginning import shared_by
from nemesis_sweep.sweep.worker.trainable import PromptTrainable
from nemesis_sweep.vlm.registry import _embedded_folder


@pytest.fixture(autouse=True)
def cold(monkeypatch, tmp_path):
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(tmp_path / "features"))
    worker_cache.forget()
    yield
    worker_cache.forget()


def step(tmp_path: Path, task: Task, params: dict | None = None, **method: object) -> dict:
    """What the first step of a trial answers."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    (home / "driver.lock").touch()
    spec = TrialSpec(
        home=str(home),
        task=task,
        number="0",
        baseline="",
        params=params or {},
        method=Method(views=1, **method),
        seeds=(1,),
        eval_every=1,
        threads=1,
    )
    return PromptTrainable(spec.to_config()).step()


def cause_of(tmp_path: Path, task: Task, **method: object) -> Cause:
    answer = step(tmp_path, task, **method)
    assert "failure" not in answer
    assert not list((tmp_path / "home").glob("trials/**/error.txt"))
    return Cause.from_plain(answer["cause"])


def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in (_embedded_folder() / "icon-clip").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_a_backbone_of_another_architecture(tmp_path):
    from safetensors.torch import load_file, save_file

    weights = mine(tmp_path) / "open_clip_model.safetensors"
    state = load_file(weights)
    state["text_projection"] = state["text_projection"][:, :-1].contiguous()
    save_file(state, weights)
    cause = cause_of(tmp_path, Task("mine", "digits", 1, "few_shot", start=str(tmp_path)))
    assert (cause.kind, cause.name) == (BACKBONE, "mine")
    assert str(cause.problem).startswith(
        "tasks.backbone: mine: the weights do not fit the architecture; found "
    )


def test_a_backbone_that_is_gone_and_comes_back(tmp_path):
    task = Task("mine", "digits", 1, "few_shot", start=str(tmp_path))
    assert cause_of(tmp_path, task).kind == BACKBONE
    mine(tmp_path)
    answer = step(tmp_path, task)
    # Found now; this home has no place for MLflow's records, which is no matter of the backbone.
    assert "cause" not in answer


def test_an_optional_package_that_is_too_old(tmp_path, monkeypatch):
    def refuse(name, *rest, **others):
        if name == "open_clip.convert":
            raise ImportError("cannot import name 'AutoModel' from 'transformers'")
        return real(name, *rest, **others)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", refuse)
    cause = cause_of(tmp_path, Task("icon-clip", "digits", 1, "few_shot"))
    assert cause.kind == BACKBONE
    assert cause.message.startswith("ImportError: cannot import name 'AutoModel' from 'transformers' (all of")
    assert "Traceback" in (tmp_path / "home/logs/causes.log").read_text()


def test_data_that_is_gone(tmp_path):
    cause = cause_of(tmp_path, Task("icon-clip", "./pictures", 1, "few_shot", root=str(tmp_path)))
    assert (cause.kind, cause.name) == (DATASET, "./pictures")
    assert str(cause.problem).startswith("tasks.dataset: ./pictures: ")


def test_features_that_cannot_be_written(tmp_path, monkeypatch):
    place = tmp_path / "a file"
    place.touch()
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(place))
    cause = cause_of(tmp_path, Task("icon-clip", "digits", 1, "few_shot"))
    assert cause.kind == TASK and str(place) in str(cause.problem)


def test_a_module_that_cannot_be_imported(tmp_path, monkeypatch):
    def refuse(name, *rest, **others):
        if name == "nemesis_sweep.sweep.worker.joint_trial":
            raise ending
        return real(name, *rest, **others)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", refuse)
    for ending in (ImportError("cannot import name 'stdev' from 'statistics'"), SystemExit(1)):
        cause = cause_of(tmp_path, Task("icon-clip", "digits", 1, "few_shot"))
        assert cause.kind == WORKERS
        assert str(cause.problem).startswith(f"no worker can begin a trial: {type(ending).__name__}: ")


@pytest.mark.parametrize("searched", [True, False])
def test_only_a_value_of_the_trial_itself_is_its_own_failure(tmp_path, monkeypatch, searched):
    """Where precision is searched, one that the machine cannot do rules out its own trials alone."""

    def refuse(*_):
        raise RuntimeError("'conv' not implemented for 'Half'")

    monkeypatch.setattr(worker_cache, "features_of", refuse)
    task = Task("icon-clip", "digits", 1, "few_shot")
    answer = step(tmp_path, task, {"precision": "fp16"} if searched else {"omega": 1.0}, precision="fp16")
    assert ("failure" in answer, "cause" in answer) == (searched, not searched)


def test_what_is_never_shared():
    with pytest.raises(KeyboardInterrupt), shared_by(TASK, "a"):
        raise KeyboardInterrupt
    with pytest.raises(torch.OutOfMemoryError), shared_by(TASK, "a"):
        raise torch.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(SharedCauseError) as raised, shared_by(TASK, "a"), shared_by(BACKBONE, "b"):
        raise UserError("not there")
    assert raised.value.cause.kind == BACKBONE
    again = pickle.loads(pickle.dumps(raised.value))
    assert (again.cause, str(again)) == (raised.value.cause, str(raised.value))
