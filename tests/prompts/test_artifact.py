"""Prompts on disk: read as they were written, by an earlier version too, and never when damaged."""

import json
import os
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.prompts.artifact import FILES, Prompt, load_prompt, save_prompt

FACTS = {
    "backbone": "icon-clip",
    "fingerprint": "f" * 64,
    "classnames": ["zero", "größe"],
    "seeds": [1, 2],
    "method": {"n_ctx": 3, "omega": 1.0, "class_position": "middle"},
    "selected_share": None,
}


@pytest.fixture
def folder(tmp_path):
    """A folder with a prompt as this version writes it."""
    save_prompt(tmp_path / "new", Prompt(tensors={"context": torch.randn(2, 3, 4)}, **FACTS))
    return tmp_path / "new"


def test_a_prompt_is_read_as_it_was_written(folder):
    prompt = load_prompt(folder)
    assert {name: getattr(prompt, name) for name in FACTS} == FACTS
    assert prompt.context.shape == (2, 3, 4)
    assert len(FILES.checksum(folder)) == 64


def test_a_prompt_of_an_earlier_version_is_read(tmp_path):
    """Both files exactly as they were before there were checksums."""
    context = torch.randn(2, 3, 4)
    save_file({"context": context}, tmp_path / "prompt.safetensors")
    facts = {**FACTS, "method": {"n_ctx": 3, "omega": 1.0}, "class_position": "front"}
    (tmp_path / "prompt.json").write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    assert load_prompt(tmp_path).kind == "coop"
    assert load_prompt(tmp_path).class_position == "front"
    assert torch.equal(load_prompt(tmp_path).context, context)
    assert load_prompt(tmp_path / "prompt.json").seeds == [1, 2]
    assert FILES.checksum(tmp_path) == ""


def flip(path):
    whole = path.read_bytes()
    path.write_bytes(whole[:-2] + bytes([whole[-2] ^ 4]) + whole[-1:])


DAMAGE = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-7]),
    "random": lambda path: path.write_bytes(os.urandom(len(path.read_bytes()))),
    "wrong type": lambda path: path.write_text("[]"),
    "another digit": lambda path: path.write_bytes(path.read_bytes().replace(b"1.0", b"9.0")),
    "a bit": flip,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["prompt.safetensors", "prompt.json"])
def test_a_damaged_prompt_is_one_clear_error(folder, name, damage):
    before = (folder / name).read_bytes()
    DAMAGE[damage](folder / name)
    if (folder / name).exists() and (folder / name).read_bytes() == before:
        return  # There is no such digit in the tensors.
    with pytest.raises(UserError) as told:
        load_prompt(folder)
    (problem,) = told.value.problems
    assert problem.file == str(folder / name)
    assert "cannot read a prompt here: this file" in str(problem)
    assert "\n" not in str(problem)


@pytest.mark.parametrize("name", ["prompt.safetensors", "prompt.json"])
def test_the_file_of_another_prompt_is_told(folder, tmp_path, name):
    save_prompt(tmp_path / "other", Prompt(tensors={"context": torch.randn(2, 3, 4)}, **FACTS))
    shutil.copy(tmp_path / "other" / name, folder / name)
    with pytest.raises(UserError, match=r"is not the file that prompt\.json was written with"):
        load_prompt(folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seeds": [1]}, r"holds a context \(2, 3, 4\) for 1 seed"),
        ({"seeds": 2}, "does not hold the facts"),
        ({"seeds": ["1", "2"]}, "does not hold the facts"),
        ({"classnames": []}, "does not hold the facts"),
        ({"classnames": [1]}, "does not hold the facts"),
        ({"method": None}, "does not hold the facts"),
        ({"colour": "red"}, "does not hold the facts of a prompt"),
    ],
)
def test_odd_facts_without_a_checksum_are_told(tmp_path, change, told):
    save_file({"context": torch.randn(2, 3, 4)}, tmp_path / "prompt.safetensors")
    (tmp_path / "prompt.json").write_text(json.dumps({**FACTS, **change}))
    with pytest.raises(UserError, match=told):
        load_prompt(tmp_path)


def test_a_tensor_of_another_kind_is_told(folder):
    tensors = load_file(folder / "prompt.safetensors")
    save_file({**tensors, "deep": tensors["context"].clone()}, folder / "prompt.safetensors")
    facts = json.loads((folder / "prompt.json").read_text())
    bare = {name: value for name, value in facts.items() if not name.endswith("checksum")}
    (folder / "prompt.json").write_text(json.dumps(bare))
    with pytest.raises(UserError, match="holds a deep, which a prompt of this kind does not learn"):
        load_prompt(folder)


@pytest.mark.parametrize("given", [None, 3, b"folder", ["folder"]])
def test_what_is_no_folder_is_told(given, folder):
    with pytest.raises(UserError, match=r"folder: not a folder; found .*; allowed: a path"):
        load_prompt(given)
    with pytest.raises(UserError, match="folder: not a folder"):
        save_prompt(given, load_prompt(folder))
    with pytest.raises(UserError, match="prompt: not a prompt; found None"):
        save_prompt(folder, None)
