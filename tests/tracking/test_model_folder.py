"""A prompt as a model of MLflow's: it predicts what the prompt does, from a folder, by HTTP, registered."""

from __future__ import annotations

import base64
import json
import shutil
import urllib.error
import urllib.request
from pathlib import Path

import nemesis_sweep.tracking.client

import mlflow.pyfunc  # isort: skip
import pandas as pd
import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.tracking.model_folder import save_model
from nemesis_sweep.tracking.registering import registry
from nemesis_sweep.training.classifier import Classifier
from tests.tracking.served import served

METHOD = {"n_ctx": 2, "epochs": 1, "views": 1}


@pytest.fixture(scope="module")
def prompt() -> ns.Prompt:
    return ns.fit("icon-clip", "digits", METHOD, shots=1, seeds=(1, 2)).prompt


@pytest.fixture(scope="module")
def images() -> list[bytes]:
    return [item.read() for item in ns.load_dataset("digits").test[:3]]


@pytest.fixture(scope="module")
def folder(prompt, tmp_path_factory) -> Path:
    """The model of both seeds, of three classes."""
    folder = tmp_path_factory.mktemp("models") / "model"
    save_model(prompt, Classifier(prompt, classnames=["0", "1", "cat"]), folder, "here")
    return folder


def wanted(prompt: ns.Prompt, images: list[bytes]) -> torch.Tensor:
    return Classifier(prompt, classnames=["0", "1", "cat"]).probabilities(images)


def test_it_predicts_what_the_prompt_does(folder, prompt, images) -> None:
    model = mlflow.pyfunc.load_model(str(folder))
    answer = model.predict(pd.DataFrame({"image": images}))
    for row, expected in zip(answer, wanted(prompt, images), strict=True):
        found = torch.tensor([row["probabilities"][name] for name in ("0", "1", "cat")])
        assert torch.allclose(found, expected, atol=1e-5)
        assert row["class"] == ["0", "1", "cat"][int(expected.argmax())]
        assert row["probability"] == max(row["probabilities"].values())
    (row, *_) = model.predict(pd.DataFrame({"image": images}), params={"top": 1})
    assert list(row["probabilities"]) == [row["class"]]


def test_nothing_in_it_is_a_pickle(folder) -> None:
    # What Python compiled for itself when a test loaded the model is none of ours.
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    assert {path.suffix for path in files} == {"", ".py", ".yaml", ".txt", ".json", ".safetensors"}
    assert "nemesis-sweep==" in (folder / "requirements.txt").read_text()


def test_what_is_no_image_is_told(folder) -> None:
    model = mlflow.pyfunc.load_model(str(folder))
    with pytest.raises(mlflow.exceptions.MlflowException, match="cannot read this image"):
        model.predict(pd.DataFrame({"image": [b"no image"]}))


def test_a_number_of_classes_below_0_is_told(folder, images) -> None:
    model = mlflow.pyfunc.load_model(str(folder))
    asked_for = pd.DataFrame({"image": images[:1]})
    assert len(model.predict(asked_for, params={"top": 0})[0]["probabilities"]) == 3
    with pytest.raises(
        mlflow.exceptions.MlflowException, match="found -2; allowed: a whole number, 0 for all"
    ):
        model.predict(asked_for, params={"top": -2})


def test_it_is_written_again_but_not_over_something_else(folder, prompt, tmp_path) -> None:
    save_model(prompt, Classifier(prompt, classnames=["0", "1", "cat"]), folder, "here")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="holds something else"):
        save_model(prompt, Classifier(prompt), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_one_that_was_served_is_written_again(folder, prompt, tmp_path) -> None:
    """Python leaves what it compiled beside the code, unless it is told not to."""
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "model" / "__pycache__" / "served_model.cpython-311.pyc").write_bytes(b"compiled")
    save_model(prompt, Classifier(prompt), tmp_path / "model", "here")
    assert not (tmp_path / "model" / "__pycache__").exists()


def test_the_registry_counts_its_versions(folder, prompt, images, tmp_path, monkeypatch) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    place = registry("digits-prompt", None)
    assert [place.register(folder), registry("digits-prompt", None).register(folder)] == ["1", "2"]
    try:
        mlflow.set_registry_uri(uri)
        model = mlflow.pyfunc.load_model("models:/digits-prompt/2")
    finally:
        mlflow.set_registry_uri(None)
    (row,) = model.predict(pd.DataFrame({"image": images[:1]}))
    assert row["probability"] == pytest.approx(float(wanted(prompt, images[:1]).max()), abs=1e-5)


def test_a_name_that_the_registry_refuses_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(UserError, match=r"--register: the registry at sqlite:.* refuses this .*found 'a/b'"):
        registry("a/b", None)


def test_without_a_registry_it_says_where_one_is_looked_for(monkeypatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(UserError, match=r"no registry to register in; allowed: \$MLFLOW_TRACKING_URI"):
        registry("name", None)


@pytest.mark.slow
def test_it_is_served_over_http(folder, prompt, images) -> None:
    with served(folder) as url:
        records = [{"image": base64.b64encode(image).decode()} for image in images]
        answer = asked(url, {"dataframe_records": records})
        for row, expected in zip(answer["predictions"], wanted(prompt, images), strict=True):
            found = torch.tensor([row["probabilities"][name] for name in ("0", "1", "cat")])
            assert torch.allclose(found, expected, atol=1e-5)
        with pytest.raises(urllib.error.HTTPError) as error:
            asked(url, {"dataframe_records": [{"image": base64.b64encode(b"no").decode()}]})
        assert error.value.code == 400
        assert "cannot read this image" in error.value.read().decode()


def asked(url: str, content: object) -> dict:
    request = urllib.request.Request(
        f"{url}/invocations", json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)
