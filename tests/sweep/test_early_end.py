"""What a sweep that ends early leaves of its results."""

import os
import threading
import time
from functools import partial

import pytest
from optuna.trial import TrialState

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.report.results import read_results, write_results
from nemesis_sweep.sweep.best import mark_best
from nemesis_sweep.sweep.cluster import supervisor
from nemesis_sweep.sweep.cluster.lost import LostClusterError
from nemesis_sweep.sweep.early_end import SECONDS, kept_at_an_early_end, rows_of


@pytest.fixture
def study(make_sweep, open_study):
    """Three trials: complete, pruned and running."""
    study = open_study(make_sweep("search.baselines=[coop]"))
    for state in (TrialState.COMPLETE, TrialState.PRUNED, None):
        proposal = study.next()
        if state is not None:
            study.tell(proposal.number, state, 50.0 if state == TrialState.COMPLETE else None, seconds=1.0)
    return study


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UserError("the disk"), LostClusterError("x", "host")])
def test_what_is_over_can_be_read(study, tmp_path, error):
    def keep(rows):
        write_results(tmp_path, mark_best(rows, ["val/accuracy"]))

    with (
        pytest.raises(type(error)),
        kept_at_an_early_end(partial(rows_of, [study], tmp_path, over=True), keep),
    ):
        raise error
    rows = {row.number: row.state for row in read_results(tmp_path)}
    assert rows == {"coop": "COMPLETE", "0": "PRUNED"}


def test_nothing_is_kept_where_the_sweep_goes_on_or_nothing_is_over(study, tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "_parent", os.open(os.devnull, os.O_WRONLY))
    kept = []
    with (
        pytest.raises(LostClusterError),
        kept_at_an_early_end(partial(rows_of, [study], tmp_path), kept.append),
    ):
        raise LostClusterError("the raylet died")  # Ray is started again.
    with pytest.raises(KeyboardInterrupt), kept_at_an_early_end(list, kept.append):
        raise KeyboardInterrupt
    with kept_at_an_early_end(partial(rows_of, [study], tmp_path), kept.append):
        pass  # Its rows are collected, and more than they.
    assert kept == []
    monkeypatch.setattr(supervisor, "_losses", supervisor.MOST)
    with (
        pytest.raises(LostClusterError),
        kept_at_an_early_end(partial(rows_of, [study], tmp_path), kept.append),
    ):
        raise LostClusterError("the raylet died")  # for the last time
    assert len(kept) == 1


def test_the_end_is_neither_put_off_nor_changed(study, tmp_path):
    begun = time.monotonic()
    for keep in (
        lambda rows: threading.Event().wait(60),
        lambda rows: (tmp_path / "no" / "x").write_text(""),
    ):
        with (
            pytest.raises(KeyboardInterrupt),
            kept_at_an_early_end(partial(rows_of, [study], tmp_path), keep),
        ):
            raise KeyboardInterrupt
    assert time.monotonic() - begun < SECONDS + 1.5
