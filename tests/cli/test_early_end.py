"""A run that ends before its end leaves `results.parquet` of what there is: the real command without Ray."""

from contextlib import nullcontext

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.report.results import read_results
from nemesis_sweep.sweep import runner
from tests.trained_home import SWEEP, train_here, verb


class Enough:
    """A broker that hands out so many trials, and then ends the run by an error."""

    def __init__(self, broker, trials, error):
        self._broker, self._left, self._error = broker, trials, error

    def __getattr__(self, name):
        return getattr(self._broker, name)

    def next(self, tune_id):
        if self._left == 0:
            raise self._error
        self._left -= 1
        return self._broker.next(tune_id)


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (UserError("Ray is no more"), 2)])
def test_partial_results_can_be_read_and_the_rest_comes_later(tmp_path, monkeypatch, error, code):
    file, home = tmp_path / "made.yaml", tmp_path / "home"
    file.write_text(SWEEP)
    with monkeypatch.context() as patch:
        patch.setattr(runner, "Ahead", nullcontext)
        patch.setattr(runner, "train", lambda broker, *others: train_here(Enough(broker, 3, error), *others))
        ended = CliRunner().invoke(main, ["run", str(file), "--home", str(home)])
    assert ended.exit_code == code
    assert [row.number for row in read_results(home)] == ["zero_shot", "coop", "0"]
    assert all("val/accuracy" in row.metrics for row in read_results(home))
    ended = verb(monkeypatch, "run", file, "--home", home)
    assert ended.exit_code == 0
    assert {"zero_shot", "coop", "0", "1"} <= {row.number for row in read_results(home)}
