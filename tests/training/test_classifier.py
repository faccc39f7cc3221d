"""A saved prompt on images of one's own: the same numbers as in training, and what it refuses."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

import nemesis_sweep as ns
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.testing.colours import picture


@pytest.fixture(scope="module")
def trained(tiny_backbone, colours):
    settings = {"n_ctx": 4, "epochs": 20, "views": 1, "lr": 0.5}
    return ns.fit(tiny_backbone, colours, settings, shots=8, seeds=(1, 2))


def contents(dataset):
    return [item.content for item in dataset.test]


def test_predictions_are_as_accurate_as_the_fit_said(trained, tiny_backbone, colours):
    labels = [colours.classnames[item.label] for item in colours.test]
    for place, seed in enumerate((1, 2)):
        classifier = ns.Classifier(trained.prompt, tiny_backbone, seed=seed)
        found = [classes[0][0] for classes in classifier.predict(contents(colours), top=1)]
        right = sum(name == label for name, label in zip(found, labels, strict=True))
        assert 100 * right / len(labels) == pytest.approx(trained.metrics["test/accuracy"][place])


def test_without_a_seed_the_probabilities_of_all_are_averaged(trained, tiny_backbone, colours):
    images = contents(colours)[:6]
    each = [ns.Classifier(trained.prompt, tiny_backbone, seed=seed).probabilities(images) for seed in (1, 2)]
    both = ns.Classifier(trained.prompt, tiny_backbone).probabilities(images)
    assert both.shape == (6, 4)
    torch.testing.assert_close(both, torch.stack(each).mean(dim=0))
    torch.testing.assert_close(both.sum(dim=1), torch.ones(6))


def test_the_likeliest_stand_first(trained, tiny_backbone, colours):
    classifier = ns.Classifier(trained.prompt, tiny_backbone)
    (classes,) = classifier.predict(contents(colours)[:1], top=9)
    values = [value for _, value in classes]
    assert {name for name, _ in classes} == set(colours.classnames)
    assert values == sorted(values, reverse=True)
    assert classifier.predict(contents(colours)[:1], top=2) == [classes[:2]]
    assert classifier.predict([]) == []


def test_files_bytes_and_pil_images_are_the_same(trained, tiny_backbone, tmp_path):
    content = picture((200, 60, 30), seed=4)
    file = tmp_path / "own.png"
    file.write_bytes(content)
    classifier = ns.Classifier(trained.prompt, tiny_backbone)
    found = classifier.probabilities([file, str(file), content, Image.open(io.BytesIO(content))])
    assert torch.equal(found, found[:1].expand(4, -1))
    # What PNG cannot hold does as well.
    (row,) = classifier.probabilities([Image.open(file).convert("CMYK")])
    torch.testing.assert_close(row, found[0], atol=0.02, rtol=0)


def test_a_prompt_from_disk_is_the_same_by_folder_and_by_file(trained, tiny_backbone, colours, tmp_path):
    trained.save(tmp_path / "kept")
    expected = ns.Classifier(trained.prompt, tiny_backbone).probabilities(contents(colours)[:3])
    for place in ("kept", "kept/prompt.safetensors", "kept/prompt.json"):
        classifier = ns.Classifier(ns.load_prompt(tmp_path / place), tiny_backbone)
        assert torch.equal(classifier.probabilities(contents(colours)[:3]), expected)


def test_shared_vectors_take_other_class_names(trained, tiny_backbone, colours):
    classifier = ns.Classifier(trained.prompt, tiny_backbone, classnames=["red", "yellow"])
    ((first, second),) = classifier.predict(contents(colours)[:1])
    assert {first[0], second[0]} == {"red", "yellow"}


def test_vectors_of_each_class_keep_their_names(tiny_backbone, colours):
    result = ns.fit(tiny_backbone, colours, {"n_ctx": 2, "epochs": 2, "views": 1, "csc": True}, shots=1)
    classifier = ns.Classifier(result.prompt, tiny_backbone)
    assert len(classifier.predict(contents(colours)[:1])[0]) == 4
    with pytest.raises(UserError, match="classnames: this prompt was learnt for its own classes"):
        ns.Classifier(result.prompt, tiny_backbone, classnames=["red", "yellow"])


def test_a_prompt_is_used_in_the_precision_it_was_learnt_in(tiny_backbone, colours):
    settings = {"n_ctx": 2, "epochs": 2, "views": 1, "precision": "bf16"}
    result = ns.fit(tiny_backbone, colours, settings, shots=1)
    assert ns.Classifier(result.prompt, tiny_backbone).backbone.dtype_name == "bfloat16"


def test_the_backbone_is_the_prompts_own_and_no_other_is_taken(trained, tiny_backbone, colours):
    shipped = ns.load_backbone("icon-clip")
    prompt = ns.fit(shipped, "digits", {"n_ctx": 2, "epochs": 1, "views": 1}, shots=1, seeds=(3,)).prompt
    assert ns.Classifier(prompt).backbone.name == "icon-clip"
    with pytest.raises(UserError, match=r"^backbone: not .*; found tiny with .*; allowed: icon-clip"):
        ns.Classifier(prompt, tiny_backbone)
    # "tiny" is no name that can be loaded.
    with pytest.raises(UserError, match=r"backbone: give the backbone that .*; found tiny"):
        ns.Classifier(trained.prompt)


def test_images_that_cannot_be_read_are_all_named(trained, tiny_backbone, tmp_path):
    good = picture((1, 2, 3), seed=1)
    (tmp_path / "broken.png").write_bytes(good[: len(good) // 2])
    classifier = ns.Classifier(trained.prompt, tiny_backbone)
    with pytest.raises(UserError) as caught:
        classifier.predict([good, tmp_path / "broken.png", tmp_path / "none.png", b"no image"])
    told = [str(problem) for problem in caught.value.problems]
    assert [line.partition(": ")[0] for line in told] == [
        str(tmp_path / "broken.png"),
        str(tmp_path / "none.png"),
        "image 3",
    ]
    assert told[1].endswith("cannot read this image: no such file")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ("photo.png", r"images: not a list of images; found 'photo.png'; allowed: a list of files"),
        (b"\x89PNG", "images: not a list of images"),
        (7, "images: not a list of images; found 7"),
        ([7], r"images\[0\]: not an image; found 7"),
    ],
)
def test_what_is_no_list_of_images_is_refused(trained, tiny_backbone, images, message):
    with pytest.raises(UserError, match=message):
        ns.Classifier(trained.prompt, tiny_backbone).predict(images)


def test_an_image_that_another_program_would_draw_is_refused(trained, tiny_backbone):
    image = Image.new("RGB", (8, 8))
    image.format = "EPS"
    with pytest.raises(UserError, match=r"images\[0\]: a drawing in EPS, not pixels; .*allowed: .*convert"):
        ns.Classifier(trained.prompt, tiny_backbone).predict([image])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": 3}, "seed: no such seed; found 3; allowed: 1, 2"),
        ({"seed": True}, "seed: no such seed; found True; allowed: 1, 2"),
        ({"classnames": 3}, "classnames: not class names; found 3"),
        ({"classnames": "red"}, "classnames: not class names; found 'red'"),
        ({"classnames": []}, r"classnames: not class names; found \[\]"),
        ({"device": "gpu"}, "device: unknown device; found 'gpu'.*Did you mean 'cuda'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(trained, tiny_backbone, settings, message):
    with pytest.raises(UserError, match=message):
        ns.Classifier(trained.prompt, tiny_backbone, **settings)


@pytest.mark.parametrize("given", [None, "folder", Path("folder")])
def test_what_is_no_prompt_is_refused(tiny_backbone, given):
    with pytest.raises(UserError, match=r"^prompt: not a prompt; found .*; allowed: what ns\.load_prompt"):
        ns.Classifier(given, tiny_backbone)


@pytest.mark.parametrize(
    ("prompt", "name", "shape"),
    [
        ("coop", "context", (1,)),
        ("coop", "context", (1, 5, 64)),
        ("coop", "context", (1, 3, 2, 64)),
        ("deep_text", "deep", (1, 1, 3, 64)),
        ("deep_text", "deep", (1, 2, 64)),
        ("prefix", "prefix_keys", (1, 2, 3, 64)),
        ("prefix", "prefix_values", (1, 1, 2, 64)),
        ("tcp", "outer_bias", (1, 64)),
    ],
)
def test_tensors_that_the_method_does_not_learn_are_refused(tiny_backbone, colours, prompt, name, shape):
    method = {"prompt": prompt, "n_ctx": 2, "epochs": 1, "views": 1}
    learnt = ns.fit(tiny_backbone, colours, method, shots=1, seeds=(1,)).prompt
    other = replace(learnt, tensors={**learnt.tensors, name: torch.zeros(shape)})
    with pytest.raises(UserError, match=rf"the prompt's {name} is not of its method's shape; found \(R"):
        ns.Classifier(other, tiny_backbone)


@pytest.mark.parametrize(
    ("prompt", "change", "told"),
    [
        ("prefix", lambda one: {"method": {**one.method, "prompt": "deep_text"}}, "those of its kind, deep"),
        ("deep_text", lambda one: {"method": {**one.method, "prompt": "coop"}}, "deep; allowed: context"),
        ("prefix", lambda one: {"tensors": dict(list(one.tensors.items())[:1])}, "not those of its kind"),
        ("prefix", lambda one: {"seeds": [1, 2]}, r"is of other replicates; found \(1, .*2 seeds"),
        ("coop", lambda one: {"seeds": [1, 2]}, r"context is of other replicates; found \(1, .*2 seeds"),
    ],
)
def test_prompts_that_were_put_together_are_looked_at(tiny_backbone, colours, prompt, change, told):
    """A file is looked at when it is read, a `Prompt` made in Python when it is used."""
    method = {"prompt": prompt, "n_ctx": 2, "epochs": 1, "views": 1}
    learnt = ns.fit(tiny_backbone, colours, method, shots=1, seeds=(1,)).prompt
    with pytest.raises(UserError, match=told):
        ns.Classifier(replace(learnt, **change(learnt)), tiny_backbone)


@pytest.mark.parametrize("top", [0, 2.0, True])
def test_a_number_of_classes_is_a_whole_one(trained, tiny_backbone, top):
    with pytest.raises(UserError, match=r"^top: not a number of classes; found .*; allowed: a whole"):
        ns.Classifier(trained.prompt, tiny_backbone).predict([], top=top)
