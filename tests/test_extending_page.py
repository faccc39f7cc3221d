"""docs/extending.md: every example as it stands, each by itself and all together in a sweep."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import nemesis_sweep as ns
from nemesis_sweep.cli import main
from nemesis_sweep.prompts.registry import learner_of
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.outside.beside import BESIDE
from nemesis_sweep.sweep.names import known_names

PAGE = (Path(__file__).parents[1] / "docs" / "extending.md").read_text()
FILES = {
    name: body
    for body in re.findall(r"^```(?:python|yaml)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    for name in re.findall(r"\A# (\S+)$", body, flags=re.MULTILINE)
}
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]
SCREEN = 50
MODULES = ["my_data.py", "my_parts.py", "my_prompts.py", "my_search.py"]
PROMPT = "my_prompts:Residual"


@pytest.fixture
def folder(tmp_path: Path):
    """A folder with all of the page's files."""
    for name, body in FILES.items():
        (tmp_path / name).write_text(body)
    BESIDE.look_in(tmp_path)
    yield tmp_path
    BESIDE.look_in(None)


def test_the_page_has_its_examples_and_each_is_under_a_screen() -> None:
    assert set(FILES) == {
        "extending.yaml",
        "my_prompts.py",
        "test_my_prompts.py",
        "my_kinds.py",
        "my_parts.py",
        "my_data.py",
        "my_search.py",
    }
    assert {name: len(body.splitlines()) for name, body in FILES.items() if body.count("\n") > SCREEN} == {}
    assert [words[1] for words in COMMANDS] == ["validate", "run", "-m"]


def test_the_sweep_is_valid(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    for words in (COMMANDS[0][1:], ["plan", "extending.yaml"]):
        answer = CliRunner().invoke(main, words)
        assert answer.exit_code == 0, answer.output
    assert "bright_digits" in answer.output


def test_the_contract_holds_for_the_method(folder) -> None:
    path = os.pathsep.join([str(folder), *sys.path])
    line = [sys.executable, *COMMANDS[2][1:], "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        line, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.mark.slow
def test_a_method_that_breaks_the_contract_fails_in_it(folder) -> None:
    """Its replicates are not apart: each gets the first one's vector."""
    file = folder / "my_prompts.py"
    shared = "self.hand_written + self.method.alpha * residual.sum(0, keepdim=True)"
    file.write_text(file.read_text().replace("self.hand_written + self.method.alpha * residual", shared))
    path = os.pathsep.join([str(folder), *sys.path])
    line = [sys.executable, *COMMANDS[2][1:], "-q", "-p", "no:cacheprovider", "-k", "alone"]
    done = subprocess.run(
        line, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "test_a_replicate_alone_is_the_same_among_others" in done.stdout


def test_the_entry_without_torch_has_the_same_fields(folder) -> None:
    slow = ns.read_method({"prompt": PROMPT, "alpha": 0.3}).model_dump(exclude={"prompt"})
    quick = ns.read_method({"prompt": "my_kinds:RESIDUAL", "alpha": 0.3})
    assert quick.model_dump(exclude={"prompt"}) == slow
    assert learner_of(quick.prompt) is learner_of(PROMPT)
    (folder / "quick.yaml").write_text(FILES["extending.yaml"].replace(PROMPT, "my_kinds:RESIDUAL"))
    code = (
        "import sys; from pathlib import Path; from nemesis_sweep.spec.loader import load_sweep\n"
        "from nemesis_sweep.sweep.names import known_names\n"
        f"file = Path({str(folder / 'quick.yaml')!r})\n"
        "load_sweep(file, known=known_names(file.parent)); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_pans_variants_are_the_plain_recomputation(folder) -> None:
    backbone = ns.load_backbone("icon-clip")
    method = ns.read_method({"prompt": PROMPT})
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    learner = learner_of(PROMPT).create(backbone, method, ["cat", "dog", "red apple"], generators)
    images = torch.nn.functional.normalize(torch.randn(2, 4, backbone.embed_dim), dim=-1)
    positions, scales = torch.tensor([[0, 2], [1, 0]]), torch.tensor([[0.5, 0.0], [2.0, 0.3]])
    with torch.no_grad():
        found = learner.classifier(variants=True).rescaled(images, positions, scales)
        for replicate in range(2):
            for number in range(2):
                values = learner.residual.clone()
                values[replicate, positions[replicate, number]] *= scales[replicate, number]
                plain = type(learner)(backbone, method, learner.classnames, {"residual": values})
                expected = plain.classifier()(images)[replicate]
                torch.testing.assert_close(found[replicate, number], expected, atol=1e-5, rtol=1e-5)


def test_it_is_trained_with_pun_and_pan(folder, tmp_path) -> None:
    method = {"prompt": PROMPT, "omega": 0.1, "beta": 0.5, "epochs": 3, "views": 1, "lr": 0.1}
    result = ns.fit("icon-clip", "my_data:bright_digits", method, shots=2, seeds=(1, 2))
    assert result.prompt.tensors["residual"].shape[:2] == (2, 10)
    assert result.mean("test/accuracy") > 10
    alone = ns.fit("icon-clip", "my_data:bright_digits", method, shots=2, seeds=(2,))
    learnt = (each.prompt.tensors["residual"][-1] for each in (result, alone))
    torch.testing.assert_close(*learnt, atol=1e-5, rtol=1e-4)
    result.save(tmp_path / "prompt")
    assert ns.load_prompt(tmp_path / "prompt").kind == PROMPT


def test_what_the_home_would_keep(folder) -> None:
    sweep = load_sweep(folder / "extending.yaml", known=known_names(folder))
    assert sorted(sweep.modules.files) == MODULES
    assert sorted(sweep.modules.trained) == ["my_data.py", "my_parts.py", "my_prompts.py"]


@pytest.mark.slow
def test_it_runs_in_simulated_time_and_is_looked_at(folder) -> None:
    """Where a baseline of another kind has none of the fields that are searched."""
    home = folder.parent / "simulated"
    for words in (["run", "extending.yaml", "--simulate", "--home", str(home)], ["status", str(home)]):
        line = [sys.executable, "-m", "nemesis_sweep", *words]
        answer = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, timeout=200)
        assert answer.returncode == 0, answer.stderr
    assert "7/7" in answer.stdout
    assert sorted(path.name for path in (home / "modules").glob("*.py")) == MODULES


@pytest.mark.cluster
def test_the_sweep_runs_beside_files_that_have_names_of_others(folder, tmp_path_factory) -> None:
    """As it stands, and continued; the folder holds a file that is called as a module of Python's."""
    (folder / "statistics.py").write_text("raise RuntimeError('mine')\n")
    (folder / "tensorboardX.py").write_text("raise RuntimeError('mine')\n")
    home = tmp_path_factory.mktemp("run") / "home"
    line = [sys.executable, "-m", "nemesis_sweep", *COMMANDS[1][1:], "--home", str(home)]
    answer = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert answer.returncode == 0, answer.stderr
    assert "best found" in answer.stdout and "0 failed" in answer.stdout
    assert sorted(path.name for path in (home / "modules").glob("*.py")) == MODULES
    (folder / "my_parts.py").write_text(FILES["my_parts.py"].replace("epochs / 2", "epochs / 3"))
    answer = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert answer.returncode == 2
    assert "changed: my_parts.py: its code" in answer.stderr
