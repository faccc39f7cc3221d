"""References on disk: read as they were written, and never when damaged."""

import json
import os
import shutil

import pytest
import torch

import nemesis_sweep as ns
from nemesis_sweep.files.sealed import write_sealed
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.training.references.saved import FILES, Reference

FACTS = {
    "kind": "linear_probe",
    "backbone": "icon-clip",
    "fingerprint": "f" * 64,
    "classnames": ["zero", "größe"],
    "seeds": [1, 2],
    "precision": "fp32",
    "template": "a picture of {}.",
}


def made():
    tensors = {"weight": torch.randn(2, 2, 4), "bias": torch.tensor([[0.5, -torch.inf]] * 2)}
    return Reference(tensors=tensors, **FACTS)


@pytest.fixture
def folder(tmp_path):
    ns.save_reference(tmp_path / "new", made())
    return tmp_path / "new"


def test_a_reference_is_read_as_it_was_written(folder):
    for place in (folder, folder / "reference.json", folder / "reference.safetensors"):
        reference = ns.load_reference(place)
        assert {name: getattr(reference, name) for name in FACTS} == FACTS
        assert reference.tensors["bias"].tolist() == [[0.5, -torch.inf]] * 2
    assert len(FILES.checksum(folder)) == 64
    told = "Reference(linear_probe, icon-clip, 2 classes, bias (2, 2), weight (2, 2, 4), seeds 1, 2)"
    assert repr(reference) == told


DAMAGE = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-7]),
    "random": lambda path: path.write_bytes(os.urandom(300)),
    "wrong type": lambda path: path.write_text("[]"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", FILES.files)
def test_a_damaged_one_is_one_clear_error(folder, name, damage):
    DAMAGE[damage](folder / name)
    with pytest.raises(UserError) as told:
        ns.load_reference(folder)
    (problem,) = told.value.problems
    assert problem.file == str(folder / name)
    assert "cannot read a reference here: this file" in str(problem)


def test_a_prompt_and_a_reference_that_are_taken_for_each_other_are_told(folder, tmp_path):
    with pytest.raises(UserError, match=r"prompt\.json: .* is missing\. Did you mean 'ns\.load_reference'\?"):
        ns.load_prompt(folder)
    (tmp_path / "prompt.json").write_text("{}")
    with pytest.raises(UserError, match=r"reference\.json: .* is missing\. Did you mean 'ns\.load_prompt'\?"):
        ns.load_reference(tmp_path)


def test_the_file_of_another_is_told(folder, tmp_path):
    ns.save_reference(tmp_path / "other", made())
    shutil.copy(tmp_path / "other" / "reference.json", folder)
    with pytest.raises(UserError, match=r"is not the file that reference\.json was written with"):
        ns.load_reference(folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "linear_prob"}, "does not know; found linear_prob.*Did you mean 'linear_probe'"),
        ({"kind": "coop"}, "does not know; found coop"),
        ({"seeds": [1]}, r"holds bias \(2, 2\) for 1 seed"),
        ({"seeds": 2}, "does not hold the facts"),
        ({"colour": "red"}, "does not hold the facts"),
    ],
)
def test_odd_facts_are_told(folder, change, told):
    facts = json.loads((folder / "reference.json").read_text())
    facts.pop("checksum")
    write_sealed(folder / "reference.json", {**facts, **change})
    with pytest.raises(UserError, match=told):
        ns.load_reference(folder)


def test_a_folder_is_needed(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="not a folder"):
        ns.save_reference(tmp_path / "file", made())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"kind": "tip_adaptor"}, "kind: not a row.*found 'tip_adaptor'.*Did you mean 'tip_adapter'"),
        ({"kind": 3}, "kind: not a row"),
        ({"shots": 0}, "shots: not a number of shots"),
        ({"views": 0}, "views"),
        ({"precision": "fp8"}, "precision"),
        ({"seeds": []}, "seeds: no seeds given"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(tiny_backbone, colours, arguments, told):
    given = {"kind": "tip_adapter", "backbone": tiny_backbone, "dataset": colours, **arguments}
    with pytest.raises(UserError, match=told):
        ns.fit_reference(**given)


def test_another_backbone_is_refused(folder, tiny_backbone):
    with pytest.raises(UserError, match="not the backbone that it was learnt on"):
        ns.Classifier(ns.load_reference(folder), tiny_backbone)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"weight": torch.zeros(2, 3, 32)},
            r"weight does not fit.*found \(2, 3, 32\); allowed: \(2, 4, 32\)",
        ),
        ({"weight": torch.zeros(2, 4, 31)}, r"found \(2, 4, 31\); allowed: \(2, 4, 32\)"),
        ({"bias": torch.zeros(2)}, r"bias does not fit.*found \(2,\); allowed: \(2, 4\)"),
        ({"bias": None}, "lacks a tensor; found weight; allowed: bias"),
    ],
)
def test_tensors_of_another_shape_are_refused(tiny_backbone, colours, change, told):
    tensors = {"weight": torch.zeros(2, 4, 32), "bias": torch.zeros(2, 4), **change}
    own = {"fingerprint": tiny_backbone.fingerprint, "classnames": list(colours.classnames)}
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    with pytest.raises(UserError, match=told):
        ns.Classifier(Reference(**{**FACTS, **own}, tensors=kept), tiny_backbone)


@pytest.mark.parametrize("given", [3, None])
def test_what_is_no_path_and_no_reference_is_refused(tmp_path, given):
    with pytest.raises(UserError, match="folder: not a folder"):
        ns.load_reference(given)
    with pytest.raises(UserError, match="reference: not a reference"):
        ns.save_reference(tmp_path, given)
