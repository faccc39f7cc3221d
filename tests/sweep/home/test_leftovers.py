"""What killed processes leave in a home and in the cache is removed, and nothing else."""

from nemesis_sweep.data.cache import remove_leftovers as remove_from_cache
from nemesis_sweep.data.folder import About, try_lock, write_about
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.home.leftovers import remove_leftovers

LEFT = (
    ".results.parquet.4711.tmp",
    ".write-12",
    ".room-12",
    ".seen-0123456789abcdef0123456789abcdef",
    "episodes/.digits.json.9.tmp",
    "trials/digits/3/.result.json.77.tmp",
    "trials/digits/3/checkpoint/.state.safetensors.77.tmp",
    "trials/joint/3/digits/.prompt.json.77.tmp",
)
KEPT = (
    "results.parquet",
    "trials/digits/3/result.json",
    "notes.tmp",
    "ray/.a.1.tmp",
    ".notes",
    "episodes/d.json",
)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_home_is_cleaned(tmp_path, monkeypatch):
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(tmp_path / "cache"))
    home = Home(tmp_path / "home")
    for name in (*LEFT, *KEPT):
        (home.path / name).parent.mkdir(parents=True, exist_ok=True)
        (home.path / name).write_text("x")
    remove_leftovers(home)
    assert files(home.path) == sorted(KEPT)


def test_the_cache_is_cleaned_where_nobody_writes(tmp_path, monkeypatch):
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(tmp_path))
    idle, busy = (About("icon-clip", letter * 64, {}, 1, "float32") for letter in "ab")
    for about in (idle, busy):
        write_about(tmp_path / about.folder, about)
        (tmp_path / about.folder / f".{'0' * 32}.arrow.4711.tmp").write_text("half")
    with try_lock(tmp_path / busy.folder) as mine:
        assert mine
        remove_leftovers(Home(tmp_path / "none"))
    assert [path.parent.name for path in tmp_path.glob("*/.*.tmp")] == [busy.folder]


def test_leftovers_of_others_are_left_to_them(tmp_path, monkeypatch):
    """A cache may be shared by people who read each other's features."""
    about = About("icon-clip", "a" * 64, {}, 1, "float32")
    write_about(tmp_path / about.folder, about)
    left = tmp_path / about.folder / f".{'0' * 32}.arrow.4711.tmp"
    left.write_text("half")
    (tmp_path / about.folder / "lock").mkdir()  # What cannot be opened, whoever asks.
    remove_from_cache(tmp_path)
    assert left.exists()
