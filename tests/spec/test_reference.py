"""docs/sweep-file.md names every key of every section with its default."""

import re
from pathlib import Path

import pytest
import yaml

from nemesis_sweep.spec.budget import Budget
from nemesis_sweep.spec.kinds import KINDS
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.method import MethodSection
from nemesis_sweep.spec.resources import Resources
from nemesis_sweep.spec.search import Search
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Tasks
from nemesis_sweep.spec.tracking import Tracking
from nemesis_sweep.sweep.names import known_names

PAGE = (Path(__file__).parents[2] / "docs" / "sweep-file.md").read_text()
SECTIONS = {
    "tasks": Tasks,
    "method": MethodSection,
    "search": Search,
    "budget": Budget,
    "resources": Resources,
    "tracking": Tracking,
}


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_is_there_with_its_default(name):
    _, _, rest = PAGE.partition(f"\n## {name}\n")
    rows = dict(re.findall(r"^\| `(\w+)` \| `?(.+?)`? \|", rest.partition("\n## ")[0], re.MULTILINE))
    fields = SECTIONS[name].model_fields
    assert list(rows) == list(fields)
    for key, field in fields.items():
        if field.is_required():
            assert rows[key] == "needed"
            continue
        default = field.get_default(call_default_factory=True)
        told = None if rows[key] == "none" and default is None else yaml.safe_load(rows[key])
        same = (told, [told], str(told))
        assert default in same, f"{key}: {default!r} is told as {rows[key]}"


def test_every_section_is_there():
    headings = re.findall(r"^## (\w+)$", PAGE, re.MULTILINE)
    assert ["name", *headings] == list(Sweep.model_fields)


PROMPTS_PAGE = (Path(__file__).parents[2] / "docs" / "prompts.md").read_text(encoding="utf-8")


def test_every_kind_of_prompt_is_there_with_its_fields():
    rows = dict(re.findall(r"^\| `(\w+)` \| .+? \| (.+?) \|", PROMPTS_PAGE, re.MULTILINE))
    assert list(rows) == list(KINDS)
    common = {"n_ctx", "class_position", "words"}
    for kind, told in rows.items():
        assert set(re.findall(r"`(\w+)`", told)) == set(KINDS[kind].fields.model_fields) - common


def test_the_examples_of_kinds_can_be_loaded(tmp_path):
    file, found = tmp_path / "sweep.yaml", []
    for example in re.findall(r"```yaml\n(.+?)```", PROMPTS_PAGE, re.DOTALL):
        file.write_text(f"name: example\ntasks: {{dataset: digits}}\n{example}", encoding="utf-8")
        found.append(load_sweep(file, known=known_names()).space["prompt"].choices)
    assert found == [["coop", "kgcoop"], ["coop", "taskres", "tip_adapter"]]
