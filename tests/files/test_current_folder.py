"""`~` in paths."""

from pathlib import Path

import pytest

from nemesis_sweep.files.current_folder import expanded
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.data_root import data_root
from nemesis_sweep.sweep.home.folder import home_at
from nemesis_sweep.vlm.registry import find_backbone

NOBODY = "~nobody-has-this-name"


def test_the_home_of_a_user_that_there_is_not_is_a_path_that_is_not_there(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert expanded("~/photos") == Path("/home/me/photos")
    assert expanded(f"{NOBODY}/photos") == Path(NOBODY, "photos")
    assert data_root(f"{NOBODY}/data") == tmp_path / NOBODY / "data"
    assert home_at(Path(NOBODY)).path == tmp_path / NOBODY
    with pytest.raises(UserError, match="no such backbone folder or file"):
        find_backbone(f"{NOBODY}/clip")
