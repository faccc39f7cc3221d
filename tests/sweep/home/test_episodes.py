"""The images of a sweep's episodes, in its home: written once, compared ever after."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from nemesis_sweep.data.episodes import few_shot_episode
from nemesis_sweep.data.registry import load_dataset
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.method import Method
from nemesis_sweep.sweep.home import images as images_module
from nemesis_sweep.sweep.home.episodes import record_episodes
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.worker import worker_cache
from nemesis_sweep.sweep.worker.image_check import encode_pictures
from tests.data import layouts, own_data
from tests.data.test_store import garbled

TEXT = """
name: made
tasks: {{dataset: [digits, {name}], shots: [1, 16], replicates: 2, root: {root}}}
space: {{omega: {{low: 0.1, high: 100}}}}
"""


@pytest.fixture
def sweep(make_sweep, tmp_path):
    layouts.ALL["eurosat"][0](tmp_path)
    return make_sweep(text=TEXT.format(name="eurosat", root=tmp_path))


def test_every_task_has_its_file_with_what_is_drawn(sweep, tmp_path) -> None:
    files = record_episodes(sweep, Home(tmp_path / "home"))
    tasks = sweep.task_list()
    assert files == [tmp_path / "home" / "episodes" / f"{task.key}.json" for task in tasks]
    record = json.loads(files[2].read_text())
    assert (tasks[2].dataset, tasks[2].shots) == ("eurosat", 1)
    dataset = load_dataset("eurosat", tmp_path)
    for seed in (1, 2):
        episode = few_shot_episode(dataset, 1, seed)
        assert record["episodes"][str(seed)] == {
            "train": [item.path.relative_to(tmp_path / "eurosat").as_posix() for item in episode.train],
            "val": [item.path.relative_to(tmp_path / "eurosat").as_posix() for item in episode.val],
        }
    assert record["split"] == "CoOp's split_zhou_EuroSAT.json"
    assert record["images"] == {"train": 30, "val": 12, "test": 18}
    assert (record["classes"], record["val_from"], record["incomplete"]) == (3, "val", {})


def test_classes_that_have_fewer_images_than_shots_are_told(sweep, tmp_path) -> None:
    record = json.loads(record_episodes(sweep, Home(tmp_path / "home"))[3].read_text())
    assert record["shots"] == 16
    assert record["incomplete"] == {"train": dict.fromkeys(("first kind", "second", "third kind"), 10)}
    assert len(record["episodes"]["1"]["train"]) == 30


@pytest.mark.parametrize(
    ("val_shots", "rule", "count"),
    [
        ("published", "shots of each class of train, then min(shots, 4) of val, on the same stream", 1),
        (3, "shots of each class of train, then 3 of val, on the same stream", 3),
        ("all", "shots of each class of train, then all of val", 4),
    ],
)
def test_what_is_validated_on_is_in_the_record(make_sweep, sweep, tmp_path, val_shots, rule, count) -> None:
    text = TEXT.format(name="eurosat", root=tmp_path)
    chosen = make_sweep(f"tasks.val_shots={val_shots}", text=text)
    record = json.loads(record_episodes(chosen, Home(tmp_path / "home"))[2].read_text())
    assert record["rule"] == f"random.Random(seed); {rule}"
    drawn = [episode["val"] for episode in record["episodes"].values()]
    assert [len(each) for each in drawn] == [3 * count] * 2
    published = json.loads(record_episodes(sweep, Home(tmp_path / "other"))[2].read_text())
    for seed in ("1", "2"):
        assert record["episodes"][seed]["train"] == published["episodes"][seed]["train"]


def test_files_are_written_once_and_data_that_changed_is_refused(sweep, tmp_path) -> None:
    home = Home(tmp_path / "home")
    before = [(file, file.stat().st_mtime_ns, file.read_text()) for file in record_episodes(sweep, home)]
    record_episodes(sweep, home)
    assert [(file, file.stat().st_mtime_ns, file.read_text()) for file, _, _ in before] == before
    (tmp_path / "eurosat/split_zhou_EuroSAT.json").unlink()
    with pytest.raises(UserError, match=r"--home: eurosat gives other images than when this sweep began"):
        record_episodes(sweep, home)


CONFIRM = "search.confirm={seeds: 2}"


def test_fresh_seeds_are_recorded_with_the_others_from_the_start_or_added_later(
    sweep, make_sweep, tmp_path
) -> None:
    confirmed = make_sweep(CONFIRM, text=TEXT.format(name="eurosat", root=tmp_path))
    whole = json.loads(record_episodes(confirmed, Home(tmp_path / "whole"))[2].read_text())
    assert list(whole["episodes"]) == ["1", "2", "3", "4"]
    home = Home(tmp_path / "home")
    before = json.loads(record_episodes(sweep, home)[2].read_text())
    assert {**before, "episodes": whole["episodes"], "checksum": whole["checksum"]} == whole
    (file,) = record_episodes(confirmed, home)[2:3]
    assert json.loads(file.read_text()) == whole
    # And they stay when nothing is confirmed any more.
    record_episodes(sweep, home)
    assert json.loads(file.read_text()) == whole


def test_data_that_changed_is_refused_though_only_fresh_seeds_are_new(sweep, make_sweep, tmp_path) -> None:
    home = Home(tmp_path / "home")
    before = record_episodes(sweep, home)[2].read_text()
    (tmp_path / "eurosat/split_zhou_EuroSAT.json").unlink()
    with pytest.raises(UserError, match="gives other images than when this sweep began"):
        record_episodes(make_sweep(CONFIRM, text=TEXT.format(name="eurosat", root=tmp_path)), home)
    assert next(home.path.glob("episodes/eurosat-1*")).read_text() == before


@pytest.mark.parametrize("unreadable", ["skip", "stop"])
def test_images_of_fresh_seeds_are_looked_at_when_these_come(make_sweep, tmp_path, unreadable) -> None:
    """A broken one that only they have is skipped for them, or stops the sweep; the other episodes stay."""
    layouts.ALL["eurosat"][0](tmp_path)
    text, given = TEXT.format(name="eurosat", root=tmp_path), f"tasks.unreadable={unreadable}"
    home, dataset = Home(tmp_path / "home"), load_dataset("eurosat", tmp_path)
    sweep = make_sweep(given, "tasks.shots=1", text=text)
    drawn = [few_shot_episode(dataset, 1, seed) for seed in (1, 2, 3, 4)]
    used = {item.path for episode in drawn[:2] for item in (*episode.train, *episode.val)}
    broken = next(item.path for item in drawn[2].train if item.path not in used)
    before = json.loads(record_episodes(sweep, home)[1].read_text())
    broken.write_bytes(broken.read_bytes()[:200])
    confirmed = make_sweep(given, "tasks.shots=1", CONFIRM, text=text)
    if unreadable == "stop":
        with pytest.raises(UserError, match="1 image of the tasks cannot be read"):
            record_episodes(confirmed, home)
        return
    after = json.loads(record_episodes(confirmed, home)[1].read_text())
    name = f"eurosat: {broken.relative_to(tmp_path / 'eurosat').as_posix()}"
    assert list(after["skipped"]) == [name]
    assert {seed: after["episodes"][seed] for seed in ("1", "2")} == before["episodes"]
    assert name.removeprefix("eurosat: ") not in after["episodes"]["3"]["train"]
    record_episodes(confirmed, home)


def test_data_may_move_between_runs(sweep, make_sweep, tmp_path) -> None:
    home = Home(tmp_path / "home")
    record_episodes(sweep, home)
    (tmp_path / "moved").mkdir()
    (tmp_path / "eurosat").rename(tmp_path / "moved/eurosat")
    record_episodes(make_sweep(text=TEXT.format(name="eurosat", root=tmp_path / "moved")), home)


def test_data_that_is_not_there_ends_the_sweep_before_it_begins(make_sweep, tmp_path) -> None:
    sweep = make_sweep(text=TEXT.format(name="dtd", root=tmp_path))
    with pytest.raises(UserError, match=r"tasks\.root: DTD is not there"):
        record_episodes(sweep, Home(tmp_path / "home"))
    assert not (tmp_path / "home").exists()


def test_a_set_that_only_tests_is_refused(make_sweep, tmp_path) -> None:
    layouts.ALL["imagenet_r"][0](tmp_path)
    with pytest.raises(UserError, match="imagenet_r has no training images"):
        record_episodes(
            make_sweep(text=TEXT.format(name="imagenet_r", root=tmp_path)), Home(tmp_path / "home")
        )


def test_a_worker_in_another_folder_finds_relative_data(make_sweep, tmp_path, monkeypatch) -> None:
    """Ray's workers change their folder."""
    own_data.class_folders(tmp_path)
    monkeypatch.chdir(tmp_path)
    sweep = make_sweep(text=TEXT.format(name="./mine", root=".").replace("[1, 16]", "2"))
    task = sweep.task_list()[1]
    monkeypatch.chdir("/")
    worker_cache.forget()
    found = worker_cache.materials(task, (1, 2), Method(views=1))
    worker_cache.forget()
    assert found.dataset.folder == tmp_path / "mine"
    assert found.features.train.shape[:3] == (2, 6, 1)


def test_images_that_cannot_be_read_are_skipped_where_the_sweep_says_so(sweep, make_sweep, tmp_path) -> None:
    text = TEXT.format(name="eurosat", root=tmp_path)
    skipping = make_sweep("tasks.unreadable=skip", text=text)
    home, task = Home(tmp_path / "home"), skipping.task_list()[2]
    drawn = few_shot_episode(load_dataset("eurosat", tmp_path), 1, 1)
    broken = drawn.train[0].path
    content = broken.read_bytes()
    broken.write_bytes(content[:200])
    told: list[str] = []
    record = json.loads(record_episodes(skipping, home, told.append)[2].read_text())
    name = f"eurosat: {broken.relative_to(tmp_path / 'eurosat').as_posix()}"
    assert list(record["skipped"]) == [name]
    assert any(line.startswith(f"{task.label}: skipped {name}: ") for line in told)
    assert name not in record["episodes"]["1"]["train"]
    worker_cache.forget()
    found = worker_cache.materials(task, (1, 2), Method(views=1), home=str(home.path)).features
    trained = [item.path.relative_to(tmp_path / "eurosat").as_posix() for item in found.episodes[0].train]
    assert trained == record["episodes"]["1"]["train"]
    # Repaired later, it stays out of this sweep: its trials must stay comparable.
    broken.write_bytes(content)
    assert json.loads(record_episodes(skipping, home)[2].read_text()) == record
    with pytest.raises(UserError, match="gives other images than when this sweep began"):
        record_episodes(sweep, home)
    worker_cache.forget()


def test_images_that_cannot_be_read_stop_a_sweep_before_it_begins_all_of_them_named(sweep, tmp_path) -> None:
    tested = sorted((tmp_path / "eurosat/2750/second").iterdir())[-3:]
    tested[0].write_bytes(tested[0].read_bytes()[:200])
    tested[1].unlink()
    with pytest.raises(UserError) as caught:
        record_episodes(sweep, Home(tmp_path / "home"))
    first, *named = map(str, caught.value.problems)
    assert first == (
        "tasks.unreadable: 2 images of the tasks cannot be read; found stop; "
        "allowed: whole images; `tasks.unreadable: skip` goes on without them"
    )
    assert sorted(named) == [
        f"cannot read eurosat: 2750/second/{tested[0].name}: unreadable: a damaged JPEG",
        f"cannot read eurosat: 2750/second/{tested[1].name}: missing: no such file",
    ]
    assert not (tmp_path / "home/episodes").exists()


def by_encoding(sweep, home):
    """Looks at images as a worker does, in this process."""

    def look(tasks, known):
        extra = {"views": 2, "precision": "fp32", "reads": ["pooled"]}
        asked = [{"task": asdict(task), **extra} for task in tasks]
        return encode_pictures(asked, sweep.tasks.seeds, str(home.path), 1, dict(known))

    return look


@pytest.fixture
def many(monkeypatch, tmp_path):
    """Every image counts as many, and nothing is in the cache."""
    monkeypatch.setattr(images_module, "MANY", 1)
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(tmp_path / "cache"))
    worker_cache.forget()
    yield
    worker_cache.forget()


def spoilt(root) -> list[Path]:
    """Spoil two images of the test set, and one that is drawn for training with either number of shots."""
    drawn = [few_shot_episode(load_dataset("eurosat", root), shots, 1).train[0].path for shots in (1, 16)]
    tested = sorted((root / "eurosat/2750/second").iterdir())[-3:]
    for path in (tested[0], *drawn):
        path.write_bytes(path.read_bytes()[:200])
    tested[1].unlink()
    return [*dict.fromkeys(drawn), *tested[:2]]


def test_looking_by_encoding_finds_the_same_as_decoding(sweep, make_sweep, tmp_path, many) -> None:
    bad = spoilt(tmp_path)
    skipping = make_sweep("tasks.unreadable=skip", text=TEXT.format(name="eurosat", root=tmp_path))
    homes = [Home(tmp_path / "decoded"), Home(tmp_path / "encoded")]
    told: list[list[str]] = [[], []]
    for home, lines, look in zip(homes, told, (None, by_encoding(skipping, homes[1])), strict=True):
        for file in record_episodes(skipping, home, lines.append, look):
            assert file.exists()
    for one, other in zip(*(sorted((home.path / "episodes").iterdir()) for home in homes), strict=True):
        assert one.read_text() == other.read_text()
    skipped = [line for line in told[1] if ": skipped " in line]
    assert skipped == [line for line in told[0] if ": skipped " in line]
    assert {line.split(": ")[2] for line in skipped} == {
        path.relative_to(tmp_path / "eurosat").as_posix() for path in bad
    }
    messages = []
    for home, look in zip(("a", "b"), (None, by_encoding(sweep, homes[1])), strict=True):
        with pytest.raises(UserError) as caught:
            record_episodes(sweep, Home(tmp_path / home), look=look)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert f"{len(bad)} images of the tasks cannot be read" in messages[0]


def test_each_image_is_decoded_once_on_its_way_to_features(sweep, tmp_path, many) -> None:
    """Looked at by encoding, then spoilt unnoticed: trials, and other sweeps, never read the files again."""
    home = Home(tmp_path / "home")
    record_episodes(sweep, home, look=by_encoding(sweep, home))
    for path in (tmp_path / "eurosat").rglob("*.jpg"):
        garbled(path)
    for task in sweep.task_list()[2:]:
        found = worker_cache.materials(task, (1, 2), Method(views=2), home=str(home.path)).features
        assert found.test.isfinite().all() and len(found.test) == 18
    record_episodes(sweep, Home(tmp_path / "another"))


def test_few_images_are_decoded_here_and_shipped_ones_are_known(sweep, tmp_path) -> None:
    def look(tasks, known):
        raise AssertionError("a worker for so few images")

    assert len(record_episodes(sweep, Home(tmp_path / "home"), look=look)) == 4


def test_what_is_left_out_and_what_is_learnt_and_tested_is_told_once(make_sweep, tmp_path) -> None:
    own_data.class_folders_in_splits(tmp_path)
    mine = tmp_path / "mine"
    for path in mine.rglob("*.jpg"):
        path.write_bytes(path.read_bytes() + path.parts[-3].encode())
    (mine / "cover\n.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (mine / "test/second/copy.jpg").write_bytes((mine / "train/second/image_0003.jpg").read_bytes())
    lines: list[str] = []
    made = make_sweep(text=TEXT.format(name="./mine", root=tmp_path))
    record_episodes(made, Home(tmp_path / "home"), lines.append)
    beside = r"./mine: left out beside the class folders: 1 file, 1 image among them (cover\n.png)"
    assert lines.count(beside) == 1
    twins = "the same image in train and test: 1 image (test/second/copy.jpg is train/second/image_0003.jpg)"
    label = next(task.label for task in made.task_list() if task.shots == 16 and task.dataset != "digits")
    assert f"{label}: {twins}" in lines
    assert all("\n" not in line for line in lines)


def test_classes_that_fall_short_are_told(sweep, tmp_path) -> None:
    told: list[str] = []
    record_episodes(sweep, Home(tmp_path / "home"), told.append)
    (line,) = [line for line in told if line.startswith("eurosat")]
    assert line == (
        "eurosat 16-shot: too few images in train, so all are taken, of 3 classes: "
        "first kind (10), second (10), third kind (10)"
    )
