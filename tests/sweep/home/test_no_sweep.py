"""A place without a sweep: the home that may have been meant."""

from pathlib import Path

import pytest

from nemesis_sweep.sweep.home.no_sweep import home_meant, no_sweep


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder to work in, with the homes of two sweeps."""
    for name in ("pan", "photos"):
        (tmp_path / "sweeps" / name / "trials").mkdir(parents=True)
        (tmp_path / "sweeps" / name / "driver.lock").touch()
    (tmp_path / "phot").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("sweeps/phots", "sweeps/photos"),
        ("photos", "sweeps/photos"),
        ("Pan", "sweeps/pan"),
        ("photo", "sweeps/photos"),  # Not the folder of images beside it.
        ("sweeps", ""),  # One of two: nobody knows which.
        ("elsewhere", ""),
        ("sweeps/pan", ""),
    ],
)
def test_a_slip_and_a_sweeps_name_are_known(folder, given, meant) -> None:
    assert home_meant(Path(given)) == meant


@pytest.mark.parametrize("given", [".", "sweeps"])
def test_the_only_home_in_a_folder_is_meant(folder, given) -> None:
    (folder / "sweeps" / "pan" / "driver.lock").unlink()
    assert home_meant(folder / given) == str(folder / "sweeps" / "photos")


def test_the_error_says_what_is_missing_and_what_would_do(folder) -> None:
    told = str(no_sweep(folder / "photos"))
    assert told == (
        f"HOME: no such folder; found {folder / 'photos'}; "
        "allowed: the home of a sweep, such as sweeps/NAME. "
        f"Did you mean {str(folder / 'sweeps' / 'photos')!r}?"
    )
    assert str(no_sweep(folder)).startswith("HOME: no sweep in this folder; found ")
