"""The public interface: what the root package gives, and every example of docs/api.md."""

import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import nemesis_sweep
from nemesis_sweep.messages.errors import UserError
from tests.data import layouts

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_an_example_runs_by_itself(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(BLOCKS[number], f"api.md example {number + 1}", "exec"), {})


def test_the_page_shows_every_public_name():
    assert len(BLOCKS) >= 6
    shown = set(re.findall(r"\bns\.(\w+)", "\n".join(BLOCKS)))
    assert shown <= set(nemesis_sweep.__all__)
    text = PAGE.read_text()
    unshown = {name for name in nemesis_sweep.__all__ if not re.search(rf"\b{name}\b", text)}
    assert unshown <= {"Backbone", "EpisodeFeatures", "FitResult", "save_prompt"}


def test_every_public_name_is_there_and_documented():
    for name in nemesis_sweep.__all__:
        assert inspect.getdoc(getattr(nemesis_sweep, name)), name
    assert dir(nemesis_sweep) == nemesis_sweep.__all__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = nemesis_sweep.nothing


def test_importing_the_package_is_light():
    script = (
        "import sys, nemesis_sweep\n"
        "assert not {'torch', 'numpy', 'pydantic', 'click'} & sys.modules.keys()\n"
        "nemesis_sweep.Method\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.fixture(scope="module")
def fitted(tiny_backbone, colours):
    settings = {"n_ctx": 4, "epochs": 2, "views": 1}
    return nemesis_sweep.fit(tiny_backbone, colours, settings, shots=2, seeds=(5, 6))


def test_fit_equals_the_steps_it_is_made_of(tiny_backbone, colours):
    method = nemesis_sweep.Method(n_ctx=4, epochs=4, views=3, lr=0.05)
    seen = []
    result = nemesis_sweep.fit(
        tiny_backbone,
        colours,
        method,
        shots=2,
        seeds=(5, 6),
        on_epoch=lambda epoch, metrics: seen.append((epoch, metrics["train/loss"])),
    )
    features = nemesis_sweep.episode_features(colours, tiny_backbone, 2, (5, 6), 3)
    own = nemesis_sweep.TrainingRun(tiny_backbone, colours.classnames, method, (5, 6), features)
    while not own.done:
        own.run_epoch()
    assert torch.equal(result.context, own.trainer.learner.context)
    assert result.metrics["test/accuracy"] == own.evaluate("test")["test/accuracy"]
    assert result.mean("val/loss") == sum(own.evaluate("val")["val/loss"]) / 2
    assert [epoch for epoch, _ in seen] == [1, 2, 3, 4]
    assert [losses for _, losses in seen] == [metrics["train/loss"] for metrics in result.history]


def test_fit_keeps_what_is_needed_to_use_the_prompt_again(tiny_backbone, colours, tmp_path):
    result = nemesis_sweep.fit(
        tiny_backbone, colours, {"n_ctx": 2, "epochs": 2, "views": 1, "class_position": "front"}, shots=1
    )
    result.save(tmp_path / "kept")
    prompt = nemesis_sweep.load_prompt(tmp_path / "kept")
    assert torch.equal(prompt.context, result.context)
    layout = tiny_backbone.layout(prompt.classnames, 2, prompt.class_position)
    texts = nemesis_sweep.encode_text(tiny_backbone.text, layout, prompt.context)
    features = nemesis_sweep.episode_features(colours, tiny_backbone, 1, prompt.seeds, 1)
    accuracy, _ = nemesis_sweep.evaluate(
        features.test, features.test_labels, nemesis_sweep.TextClassifier(tiny_backbone, texts)
    )
    assert accuracy.tolist() == result.metrics["test/accuracy"]
    assert prompt.fingerprint == tiny_backbone.fingerprint


def test_a_metric_by_a_name_like_it_is_refused_with_the_nearest(fitted):
    with pytest.raises(
        UserError, match=r"unknown metric; found 'test/acc'; allowed: .*Did you mean 'test/accuracy'"
    ):
        fitted.mean("test/acc")
    with pytest.raises(UserError, match="unknown metric; found 3; allowed: train/loss"):
        fitted.mean(3)


def test_what_a_notebook_shows_is_short(fitted, tiny_backbone, colours):
    first, second, third = repr(fitted).splitlines()
    assert first == "FitResult(colours, 2 shots, tiny, seeds 5, 6"
    assert second == "  method: n_ctx 4, epochs 2, views 1"
    assert third == f"  test/accuracy: {fitted.mean('test/accuracy'):.2f}, the mean over the seeds)"
    assert repr(fitted.prompt) == "Prompt(tiny, 4 classes, context (2, 4, 64), seeds 5, 6)"
    assert repr(colours) == "Dataset(colours, 4 classes, 48 train, 16 val, 40 test)"
    assert repr(tiny_backbone) == "Backbone(tiny, float32, on cpu)"


def test_plain_coop_with_many_seeds_is_short_too(tiny_backbone, colours):
    result = nemesis_sweep.fit(tiny_backbone, colours, {"epochs": 1, "views": 1}, shots=1, seeds=range(100))
    assert len(repr(result)) < 300
    assert "38, 39 and 60 more" in repr(result)


def test_fit_warns_of_what_a_sweep_would_say_of_its_data(tiny_backbone, tmp_path):
    layouts.folders("own/train", {"apple": 0, "pear": 0}, tmp_path, 3)
    layouts.folders("own/test", {"apple": 0, "pear": 0}, tmp_path, 3)
    for path in (tmp_path / "own").rglob("*.jpg"):
        path.write_bytes(path.read_bytes() + path.parts[-3].encode() + path.name.encode())
    shutil.copy(tmp_path / "own/train/pear/image_0000.jpg", tmp_path / "own/test/pear/copy.jpg")
    (tmp_path / "own/train/apple/notes.txt").write_text("")
    method = {"epochs": 1, "views": 1, "n_ctx": 1}
    with pytest.warns(UserWarning) as told:
        nemesis_sweep.fit(tiny_backbone, tmp_path / "own", method, shots=4, seeds=(1,))
    lines = "\n".join(str(each.message) for each in told)
    assert "left out, for they are no images: " in lines
    assert "too few images in train, so all are taken, of 2 classes: apple (" in lines
    assert "the same image in train and test: 1 image" in lines
    assert {each.filename for each in told} == {__file__}


def test_saving_replaces_a_prompt_and_nothing_else(fitted, tmp_path):
    for _ in range(2):
        fitted.save(tmp_path / "prompt")
    assert torch.equal(nemesis_sweep.load_prompt(tmp_path / "prompt").context, fitted.context)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="not a folder"):
        fitted.save(tmp_path / "file")
