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


def test_a_home_is_either_extended_or_begun_afresh(tmp_path):
    arguments = ["run", "search_spaces/pan.yaml", "--home", str(tmp_path), "--extend", "--fresh"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "one of them" in result.stderr
    assert not list(tmp_path.iterdir())
