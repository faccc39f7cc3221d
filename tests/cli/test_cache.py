"""`nemesis-sweep cache`: list, verify and prune a cache with real features in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from nemesis_sweep.cli import main
from nemesis_sweep.cli.cache import readable
from nemesis_sweep.data.cache import folders
from nemesis_sweep.data.folder import read_about, try_lock
from nemesis_sweep.data.store import FeatureStore
from tests.somebody_else import told_somebody_else

DAYS = 86400


@pytest.fixture
def cache(tmp_path, monkeypatch, tiny_backbone, colours) -> dict[int, FeatureStore]:
    """A cache of two stores, by the number of views; the one with 1 view was last used 10 days ago."""
    root = tmp_path / "cache"
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(root))
    stores = {views: FeatureStore(tiny_backbone, views) for views in (1, 3)}
    stores[1].features(colours.test[:6])
    stores[3].features(colours.train[:4])
    long_ago = time.time() - 10 * DAYS
    os.utime(stores[1].folder / "about.json", (long_ago, long_ago))
    return stores


def call(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, ["cache", *arguments], input=answer)


def shard(store: FeatureStore) -> Path:
    (path,) = store.folder.glob("*.arrow")
    return path


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def test_ls_tells_what_is_there(cache) -> None:
    told = json.loads(call("ls", "--json").output)
    assert [(row["views"], row["pictures"], row["backbone"], row["kept"]) for row in told["folders"]] == [
        (3, 4, "tiny", "pooled"),
        (1, 6, "tiny", "pooled"),
    ]
    for row in told["folders"]:
        folder = cache[row["views"]].folder
        assert row["folder"] == folder.name
        assert row["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
        used = time.localtime((folder / "about.json").stat().st_mtime)
        assert row["last_use"] == time.strftime("%Y-%m-%d %H:%M", used)
    assert "2 folders" in call("ls").output


def test_ls_of_an_empty_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(tmp_path / "none"))
    assert call("ls").output == f"{tmp_path / 'none'} holds no features\n"
    assert not (tmp_path / "none").exists()


def test_ls_needs_no_torch(cache) -> None:
    script = (
        "import sys\nfrom nemesis_sweep.cli import main\nmain(['cache', 'ls'], standalone_mode=False)\n"
        "sys.exit(bool({'torch', 'open_clip', 'ray'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0


def test_use_is_remembered(cache, colours, tiny_backbone) -> None:
    FeatureStore(tiny_backbone, 1).features(colours.test[:2])
    assert [row["views"] for row in json.loads(call("ls", "--json").output)["folders"]] == [1, 3]


def test_verify_is_silent_about_whole_files(cache) -> None:
    result = call("verify")
    assert result.exit_code == 0
    assert "2 shards in 2 folders" in result.output and "all whole" in result.output


def test_verify_names_broken_and_foreign_files(cache) -> None:
    broken = shard(cache[1])
    damage(broken)
    part = shard(cache[3]).read_bytes()[:100]
    foreign = cache[3].folder / "mine.arrow"
    foreign.write_bytes(b"something else")
    moved = cache[3].folder / broken.name
    moved.write_bytes(part)
    result = call("verify")
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert {line.partition(": ")[0] for line in lines[:-1]} == {str(broken), str(foreign), str(moved)}
    assert f"{broken}: the checksum does not fit" in lines
    assert lines[-1].endswith("3 broken")


def test_verify_removes_what_is_broken_and_nothing_else(cache, colours, tiny_backbone) -> None:
    expected = FeatureStore(tiny_backbone, 1).features(colours.test[:6]).clone()
    whole, broken = shard(cache[3]), shard(cache[1])
    damage(broken)
    (cache[1].folder / "note.txt").write_text("mine")
    assert call("verify", "--remove").exit_code == 0
    assert not broken.exists() and whole.exists() and (cache[1].folder / "note.txt").exists()
    assert call("verify").exit_code == 0
    assert torch.equal(FeatureStore(tiny_backbone, 1).features(colours.test[:6]), expected)


def test_verify_tells_a_broken_record_and_the_store_mends_it(cache, colours, tiny_backbone) -> None:
    about = cache[1].folder / "about.json"
    about.write_text("{")
    result = call("verify")
    assert result.exit_code == 1
    assert f"{cache[1].folder}: its about.json is missing or broken" in result.output
    FeatureStore(tiny_backbone, 1).features(colours.test[:6])
    assert call("verify").exit_code == 0


def test_prune_by_age(cache) -> None:
    size = sum(path.stat().st_size for path in cache[1].folder.iterdir())
    result = call("prune", "--older-than", "7", "--yes")
    assert result.output.splitlines()[-1] == f"freed {readable(size)} in 1 folder"
    assert not cache[1].folder.exists()
    assert cache[3].folder.exists()


@pytest.mark.parametrize(("answer", "left"), [("n\n", 2), ("y\n", 0)])
def test_prune_asks(cache, answer, left) -> None:
    result = call("prune", "--all", answer=answer)
    assert "Delete 2 folders" in result.output
    assert sum(store.folder.exists() for store in cache.values()) == left


def test_prune_by_backbone_and_age_takes_both(cache) -> None:
    call("prune", "--backbone", "tiny", "--older-than", "7", "--yes")
    assert [views for views, store in cache.items() if store.folder.exists()] == [3]


def test_prune_refuses_an_unknown_backbone_and_no_choice(cache) -> None:
    result = call("prune", "--backbone", "tinny", "--yes")
    assert result.exit_code == 2
    assert "found tinny; allowed: tiny. Did you mean 'tiny'?" in result.stderr
    assert call("prune", "--yes").exit_code == 2
    assert all(store.folder.exists() for store in cache.values())


def test_prune_leaves_what_is_not_the_caches(cache) -> None:
    note = cache[1].folder / "note.txt"
    note.write_text("mine")
    stranger = cache[1].folder.parent / "photos"
    stranger.mkdir()
    (stranger / "a.arrow").write_bytes(b"mine too")
    call("prune", "--all", "--yes")
    assert [path.name for path in cache[1].folder.iterdir()] == ["note.txt"]
    assert (stranger / "a.arrow").exists()
    assert not cache[3].folder.exists()


def test_prune_leaves_a_store_that_is_being_written(cache) -> None:
    with try_lock(cache[3].folder) as mine:
        assert mine
        result = call("prune", "--all", "--yes")
    assert "a process is encoding there; left alone" in result.output
    assert shard(cache[3]).exists()
    assert not cache[1].folder.exists()


def test_a_reader_keeps_its_features_when_the_cache_is_pruned(cache, colours) -> None:
    features = cache[3].features(colours.train[:4])
    before = features.clone()
    call("prune", "--all", "--yes")
    assert torch.equal(features, before)
    assert torch.equal(cache[3].features(colours.train[:4]), before)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e15, "2500.0 TB")]
)
def test_sizes_for_people(count, text) -> None:
    assert readable(count) == text


def test_a_cache_that_may_not_be_read_is_one_clear_error(tmp_path) -> None:
    (tmp_path / "closed" / "cache").mkdir(parents=True)
    (tmp_path / "closed").chmod(0)
    message = "UserError: the feature cache cannot be read: Permission denied; found .*; allowed: .*_CACHE"
    assert re.match(message, told_somebody_else(lambda: folders(tmp_path / "closed" / "cache")))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[]", "", '{"backbone": 1}'], ids=["deep", "list", "empty", "one"]
)
def test_a_record_that_says_nothing_is_no_stores(text, tmp_path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "about.json").write_text(text)
    assert read_about(tmp_path / "a") is None
