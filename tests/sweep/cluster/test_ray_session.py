"""A RAY_ADDRESS that cannot be joined is one clear error; nothing is started in its place."""

from pathlib import Path

import pytest
import ray

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.sweep.cluster.own_cluster import standing_in
from nemesis_sweep.sweep.cluster.ray_session import ray_session


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://127.0.0.1:8265", "RAY_ADDRESS is a job server: use `nemesis-sweep submit`"),
        ("nonsense", "RAY_ADDRESS cannot be joined"),
    ],
)
def test_it_is_told_what_is_wrong_with_the_address(monkeypatch, address, told):
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UserError, match=told), ray_session():
        pass
    assert not ray.is_initialized()


def test_a_folder_that_vanishes_does_not_matter(tmp_path, monkeypatch):
    lasting, passing = tmp_path / "lasting", tmp_path / "passing"
    lasting.mkdir()
    passing.mkdir()
    monkeypatch.chdir(passing)
    with standing_in(lasting):
        assert Path.cwd() == lasting
    assert Path.cwd() == passing
    passing.rmdir()
    with standing_in(lasting):
        assert Path.cwd() == lasting
