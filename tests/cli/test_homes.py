"""What verbs say of folders that are no sweep's home, and of options that contradict each other."""

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main


@pytest.mark.parametrize("verb", ["status", "stop"])
def test_a_folder_without_a_sweep_is_refused(verb, tmp_path):
    result = CliRunner().invoke(main, [verb, str(tmp_path)])
    assert result.exit_code == 2
    assert "no sweep in this folder" in result.stderr
    assert str(tmp_path) in result.stderr


@pytest.mark.parametrize("verb", ["status", "stop", "ui"])
def test_a_home_is_named_in_either_way_but_not_in_both(verb, tmp_path):
    asked = [verb, str(tmp_path)], [verb, "--home", str(tmp_path)]
    first, second = (CliRunner().invoke(main, line) for line in asked)
    assert first.stderr == second.stderr and str(tmp_path) in first.stderr
    both = CliRunner().invoke(main, [verb, str(tmp_path), "--home", str(tmp_path)])
    assert both.exit_code == 2
    assert "one of them" in both.stderr


@pytest.mark.parametrize("more", [[], ["--simulate"], ["--fresh"]])
def test_a_run_leaves_a_folder_alone_that_holds_something_else(tmp_path, more):
    (tmp_path / "thesis.tex").write_text("all of it")
    arguments = ["run", "search_spaces/pan.yaml", "--home", str(tmp_path), *more]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "--home: not the home of a sweep" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_home_is_either_extended_or_begun_afresh(tmp_path):
    arguments = ["run", "search_spaces/pan.yaml", "--home", str(tmp_path), "--extend", "--fresh"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "one of them" in result.stderr
    assert not list(tmp_path.iterdir())
