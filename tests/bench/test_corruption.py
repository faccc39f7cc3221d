"""The benchmark of corrupted prompts, small: both ways have the same right."""

import json

from click.testing import CliRunner

from nemesis_sweep.cli import main


def test_the_whole_grid_is_that_of_one_evaluation_after_the_other() -> None:
    case = ("--dataset", "emoji", "--n-ctx", "2", "--replicates", "1", "--cells", "8", "--repeats", "1")
    result = CliRunner().invoke(main, ["bench", "corrupt", *case, "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["cells"] == 2 * 16 and figures["compared"] == 7
    assert figures["different"] == 0 < figures["changed"]
    assert figures["plain_over_ours"] == figures["plain_seconds"] / figures["ours_seconds"] > 0
