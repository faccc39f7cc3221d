"""Broken sweep files by the hundred: each loads or is refused with a place, and nothing else happens."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nemesis_sweep.cli import main
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.dump import sweep_to_yaml
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.method import Method
from tests.spec.files import KNOWN

TEXTS = [path.read_text() for path in sorted((Path(__file__).parents[2] / "search_spaces").glob("*.yaml"))]
TREES = [yaml.safe_load(text) for text in TEXTS]

WORDS = [
    *("name", "tasks", "method", "space", "search", "budget", "resources", "tracking", "dataset", "shots"),
    *(
        "replicates",
        "seeds",
        "choices",
        "low",
        "high",
        "log",
        "step",
        "per_dataset",
        "per_shots",
        "points",
        "objective",
    ),
    *("clipart", "emoji", "few_shot", "base_to_new", "icon-clip", "RN50@openai", "/no/where", "test/loss"),
    *("constraints", "grid", "wilcoxon", "patient", "cmaes", "norm/mean", "seconds", "n_ctx * omega <= 8"),
    *("n_ctx <", "val/acuracy > 1", "norm/mean < 3 and (", "not csc", "omega ** 9 ** 9 < 1", "pruner"),
    *("auto", "null", "true", ".nan", "1e999", "sampler_options", *Method.model_fields),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 2, 16, 10**30, -0.5, 0.0, 0.5, 1.0, 1e-300]),
    st.integers(),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=8),
    st.dates(),
    st.binary(max_size=4),
)
KEYS = st.one_of(st.sampled_from(WORDS), st.text(max_size=4), st.integers(0, 2))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


def nodes(tree: Any) -> list[Any]:
    """Return every mapping and list of a tree."""
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    mine = [tree] if isinstance(tree, dict | list) else []
    return mine + [node for child in inner for node in nodes(child)]


@st.composite
def changed_trees(draw: st.DrawFn) -> str:
    """A shipped file whose values, keys and sections were changed, moved, doubled or taken away."""
    tree = copy.deepcopy(draw(st.sampled_from(TREES)))
    for _ in range(draw(st.integers(1, 4))):
        node = draw(st.sampled_from(nodes(tree)))
        places = list(node) if isinstance(node, dict) else list(range(len(node)))
        how = draw(st.sampled_from(["value", "value", "delete", "rename", "add", "graft"]))
        place = draw(st.sampled_from(places)) if places else None
        if how == "add" or not places:
            key, value = draw(st.sampled_from(WORDS)), draw(VALUES)
            node.update({key: value}) if isinstance(node, dict) else node.append(value)
        elif how == "value":
            node[place] = draw(VALUES)
        elif how == "graft":
            node[place] = copy.deepcopy(draw(st.sampled_from(nodes(tree))))
        elif how == "rename" and isinstance(node, dict):
            node[draw(st.one_of(st.sampled_from(WORDS), st.text(max_size=5)))] = node.pop(place)
        else:
            del node[place]
    return yaml.safe_dump(tree, allow_unicode=draw(st.booleans()))


@st.composite
def changed_texts(draw: st.DrawFn) -> bytes:
    """A shipped file whose lines and bytes were changed."""
    lines = draw(st.sampled_from(TEXTS)).splitlines()
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["delete", "double", "indent", "swap", "word", "byte"]))
        if how == "delete" and len(lines) > 1:
            del lines[at]
        elif how == "double":
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif how == "indent":
            lines[at] = " " * draw(st.integers(0, 6)) + lines[at].strip()
        elif how == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            cut = draw(st.integers(0, len(lines[at])))
            piece = draw(st.sampled_from(WORDS) if how == "word" else st.text(max_size=3))
            lines[at] = lines[at][:cut] + piece + lines[at][cut:]
    content = "\n".join(lines).encode("utf-8", errors="surrogatepass")
    if draw(st.integers(0, 5)) == 0:
        cut = draw(st.integers(0, len(content)))
        content = content[:cut] + draw(st.binary(max_size=6)) + content[cut:]
    return content


FILES = st.one_of(changed_trees().map(str.encode), changed_texts())
PATHS = st.lists(st.sampled_from(WORDS), max_size=4).map(".".join)
TEXT_VALUES = st.one_of(st.sampled_from(WORDS), st.text(max_size=4), st.integers().map(str))
OVERRIDES = st.lists(
    st.one_of(st.builds("{}={}".format, PATHS, TEXT_VALUES), st.text(max_size=10)), max_size=2
)


# Wrong with a file as a whole, with a key itself, or with a text that is no entry: there is no key to name.
KEYLESS = (
    *("not YAML", "not a text file", "a character that YAML does not allow", "a control character in a text"),
    *("nested too deeply", "too many values", "not a finite number", "a whole number", "tags are not"),
    *("a list or mapping in the place of a key", "not a key and a value", "the sweep file is not a mapping"),
)


def check_loading(content: bytes, overrides: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sweep.yaml"
        path.write_bytes(content)
        try:
            sweep = load_sweep(path, overrides, KNOWN)
        except UserError as error:
            assert error.problems
            for problem in error.problems:
                assert problem.message
                assert problem.line is not None or problem.file in {f"--set {text}" for text in overrides}
                assert problem.file and (problem.key or problem.message.startswith(KEYLESS))
                assert (problem.message + problem.key + problem.found).isprintable()
            return
        again = Path(folder) / "again.yaml"
        again.write_text(sweep_to_yaml(sweep), encoding="utf-8")
        assert load_sweep(again, known=KNOWN) == sweep


def check_command(content: bytes, overrides: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sweep.yaml"
        path.write_bytes(content)
        arguments = [argument for text in overrides for argument in ("--set", text)]
        result = CliRunner().invoke(main, ["validate", str(path), *arguments])
        assert result.exit_code in (0, 2), result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit)
        if result.exit_code == 2:
            assert result.stdout == ""
            assert result.stderr.startswith("error: ")
            assert str(path) in result.stderr or "--set" in result.stderr


QUICK = settings(max_examples=300, suppress_health_check=list(HealthCheck), derandomize=True)
LONG = settings(max_examples=2000, suppress_health_check=list(HealthCheck))


@QUICK
@given(FILES)
def test_any_file_loads_or_is_refused_with_a_line(content: bytes) -> None:
    check_loading(content, [])


@settings(QUICK, max_examples=40)
@given(FILES, OVERRIDES)
def test_any_override_too(content: bytes, overrides: list[str]) -> None:
    check_loading(content, overrides)


@settings(QUICK, max_examples=40)
@given(FILES, OVERRIDES)
def test_the_command_ends_with_0_or_2(content: bytes, overrides: list[str]) -> None:
    check_command(content, overrides)


@pytest.mark.slow
@LONG
@given(FILES)
def test_two_thousand_files(content: bytes) -> None:
    check_loading(content, [])


@pytest.mark.slow
@LONG
@given(FILES, OVERRIDES)
def test_two_thousand_commands(content: bytes, overrides: list[str]) -> None:
    check_command(content, overrides)
