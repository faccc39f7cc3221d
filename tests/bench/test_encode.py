"""The encoding benchmark, small: both loops encode the same files to the same features."""

import json

from click.testing import CliRunner

from nemesis_sweep.cli import main


def test_both_loops_encode_the_same_features() -> None:
    arguments = [
        "--backbone",
        "icon-clip",
        "--images",
        "5",
        "--width",
        "80",
        "--batch",
        "2",
        "--repeats",
        "2",
    ]
    result = CliRunner().invoke(main, ["bench", "encode", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["difference"] < 1e-5
    assert len(figures["ratios"]) == 2
    assert all(rate > 0 for rate in figures["images_per_second"].values())


def test_a_backbone_that_does_not_exist_is_one_error() -> None:
    result = CliRunner().invoke(main, ["bench", "encode", "--backbone", "icon-clp"])
    assert result.exit_code == 2
    assert "Did you mean 'icon-clip'?" in result.stderr
