"""Damaged files of a home: no verb ends in a traceback; what can be mended is, and said; nothing is lost.

One worker of this process takes Ray's part, so that a run takes half a second.
"""

import json
import os
import shutil
from pathlib import Path

import optuna
import pytest
from safetensors.torch import load_file, save_file

from nemesis_sweep.files.sealed import write_sealed
from nemesis_sweep.prompts.artifact import load_prompt
from nemesis_sweep.report.results import read_results
from nemesis_sweep.sweep.storage.journal import Journal
from tests.trained_home import make_home, verb

STUDY = "digits-1shot"
TRIAL = f"trials/{STUDY}/1"
FILES = (
    "driver.lock",
    "optuna.journal",
    "optuna.journal.copy",
    "sweep.yaml",
    "tasks.json",
    "environment.json",
    "tracking.json",
    "outbox.jsonl",
    "outbox.sent.json",
    "results.parquet",
    "mlflow.db",
    f"episodes/{STUDY}.json",
    f"{TRIAL}/outbox.jsonl",
    f"{TRIAL}/outbox.sent.json",
    f"{TRIAL}/result.json",
    f"{TRIAL}/prompt.json",
    f"{TRIAL}/prompt.safetensors",
    f"{TRIAL}/checkpoint/state.safetensors",
)
DAMAGE = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3]),
    "random": lambda path: path.write_bytes(os.urandom(path.stat().st_size)),
    "wrong type": lambda path: path.write_text("[]"),
}


def instead(make):
    """Damage by which something else comes in a file's place."""

    def damage(path):
        path.unlink()
        make(path)

    return damage


NO_FILE = {
    "folder": instead(lambda path: (path.mkdir(), (path / "x").touch())),
    "link to itself": instead(lambda path: path.symlink_to(path.name)),
    "pipe": instead(os.mkfifo),
    "device": instead(lambda path: path.symlink_to("/dev/zero")),
    "nested": lambda path: path.write_text("[" * 100_000),
}


def pairs(damages):
    """Every file damaged in every way; one way for each is enough for every day."""
    for number, name in enumerate(FILES):
        for place, damage in enumerate(damages):
            slow = () if place == number % len(damages) else pytest.mark.slow
            yield pytest.param(name, damage, marks=slow, id=f"{Path(name).name}-{damage}")


PAIRS = list(pairs(DAMAGE))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("base")
        patch.setenv("NEMESIS_SWEEP_CACHE", str(folder / "features"))
        make_home(folder, patch)
    return folder


@pytest.fixture
def home(base, tmp_path, monkeypatch):
    """A copy of a finished home."""
    monkeypatch.setenv("NEMESIS_SWEEP_CACHE", str(base / "features"))
    return Path(shutil.copytree(base / "home", tmp_path / "home"))


def told(answer):
    """What a verb printed; it ends in good order or with one error, and never with a traceback."""
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exc_info
    assert answer.exit_code in (0, 2), answer.output
    assert "Traceback" not in answer.output
    assert (answer.exit_code == 2) == ("error: " in answer.stderr)
    return answer.output


def values(home):
    return {row.number: row.metrics["val/accuracy"] for row in read_results(home)}


@pytest.mark.parametrize(("name", "damage"), PAIRS)
def test_verbs_that_look(base, home, monkeypatch, name, damage):
    DAMAGE[damage](home / name)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    file = base / "made.yaml"
    for arguments in (["status", home], ["status", home, "--json"], ["stop", home], ["plan", file]):
        told(verb(monkeypatch, *arguments))
    told(verb(monkeypatch, "run", file, "--simulate", home, "--home", home.parent / "simulated"))
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    told(verb(monkeypatch, "ui", home))


@pytest.mark.parametrize(("name", "damage"), PAIRS)
def test_run_mends_or_refuses(base, home, monkeypatch, name, damage):
    before = values(home)
    DAMAGE[damage](home / name)
    answer = verb(monkeypatch, "run", base / "made.yaml", "--home", home)
    output = told(answer)
    if answer.exit_code == 0:
        assert "All is done" in output
        assert values(home) == pytest.approx(before)
        # And it is mended: the next run has nothing to say.
        again = verb(monkeypatch, "run", base / "made.yaml", "--home", home)
        assert (again.exit_code, again.stderr) == (0, "")


@pytest.mark.parametrize(("name", "damage"), list(pairs(NO_FILE)))
def test_what_is_no_file_is_waited_for_by_nobody(base, home, monkeypatch, capfd, name, damage):
    NO_FILE[damage](home / name)
    file = base / "made.yaml"
    for arguments in (
        ["status", home, "--table"],
        ["stop", home],
        ["run", file, "--simulate", home, "--home", home.parent / "simulated"],
        ["ui", home],
        ["run", file, "--home", home, "--extend", "--trials", "3"],
    ):
        told(verb(monkeypatch, *arguments))
    assert "Traceback" not in capfd.readouterr().err  # Nor in a thread.


def digit_of(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(after.join(text.rsplit(before, 1)))  # The last trial's.


def old(home):
    """Let a home look as an earlier version left it: no checksums anywhere, and no copy of the journal."""
    for path in (*home.rglob("*.json"), home / "optuna.journal"):
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.suffix != ".json" else []
        whole = [json.loads(path.read_text())] if path.suffix == ".json" else lines
        plain = [{key: value for key, value in each.items() if key not in SEALS} for each in whole]
        path.write_text("".join(json.dumps(each, separators=(",", ":")) + "\n" for each in plain))
    (home / "optuna.journal.copy").unlink()
    for path in home.rglob("*.safetensors"):
        save_file(load_file(path), path)


SEALS = ("checksum", "context_checksum", "prompt_checksum", "crc")


def run(base, home, monkeypatch):
    """What a run says of the records, and the values of all trials in the table and in the storage."""
    answer = verb(monkeypatch, "run", base / "made.yaml", "--home", home)
    assert answer.exit_code == 0, answer.output
    storage = Journal(home / "optuna.journal")
    found = {}
    for name in optuna.get_all_study_names(storage):
        for trial in optuna.load_study(study_name=name, storage=storage).trials:
            found[trial.user_attrs.get("baseline") or str(trial.number)] = trial.values[0]
    assert found == values(home)
    return answer.stderr, found


def test_a_home_of_an_earlier_version_goes_on_without_a_word(base, home, monkeypatch):
    before = values(home)
    old(home)
    assert run(base, home, monkeypatch) == ("", before)


def test_a_digit_of_the_journal(base, home, monkeypatch):
    """Its line does not fit its checksum: the copy has it as it was."""
    before = values(home)
    digit_of(home / "optuna.journal", f'"values":[{before["1"]}', f'"values":[9{before["1"]}')
    said, after = run(base, home, monkeypatch)
    assert "optuna.journal was damaged; 1 line restored from its copy" in said
    assert after == before


def test_a_digit_of_an_old_journal_beside_a_result_with_a_checksum(base, home, monkeypatch):
    """The checksum tells which of the two is right; nothing is trained."""
    before = values(home)
    result = (home / TRIAL / "result.json").read_bytes()
    old(home)
    (home / TRIAL / "result.json").write_bytes(result)
    (home / TRIAL / "prompt.json").write_bytes((base / "home" / TRIAL / "prompt.json").read_bytes())
    digit_of(home / "optuna.journal", f'"values":[{before["1"]}', f'"values":[9{before["1"]}')
    said, after = run(base, home, monkeypatch)
    assert f"trial 1: its value is {before['1']:g}, as {home / TRIAL / 'result.json'} has it" in said
    assert after == before
    assert (home / TRIAL / "result.json").read_bytes() == result


@pytest.mark.parametrize("file", ["optuna.journal", f"{TRIAL}/result.json"])
def test_a_digit_of_an_old_home(base, home, monkeypatch, file):
    """Nobody knows which of the two is right: the trial is trained again."""
    before = values(home)
    old(home)
    name = '"val/accuracy":' if file.endswith("json") else '"values":['
    digit_of(home / file, f"{name}{before['1']}", f"{name}9{before['1']}")
    said, after = run(base, home, monkeypatch)
    assert "trial 1: trained again, for" in said
    assert after == pytest.approx(before)


def test_results_of_other_trials(base, home, monkeypatch):
    before = values(home)
    for name in ("result.json", "prompt.json", "prompt.safetensors"):
        shutil.copy(home / "trials" / STUDY / "0" / name, home / TRIAL / name)
    said, after = run(base, home, monkeypatch)
    assert 'is of number "0", not "1"' in said
    assert after == pytest.approx(before)


def test_a_result_of_another_sweep(base, home, monkeypatch):
    """It is of the same number and whole, and was trained with something else."""
    before = values(home)
    file = home / TRIAL / "result.json"
    result = json.loads(file.read_text())
    write_sealed(file, {**result, "config": {**result["config"], "epochs": 50}})
    said, after = run(base, home, monkeypatch)
    assert "was trained with epochs 50, not 2" in said
    assert after == pytest.approx(before)


def test_a_prompt_that_no_copy_has_is_trained_again(base, home, monkeypatch):
    before = values(home)
    shutil.rmtree(home / "mlartifacts")
    (home / TRIAL / "prompt.safetensors").write_bytes(b"")
    said, after = run(base, home, monkeypatch)
    assert "trial 1: trained again, for" in said and "prompt.safetensors is no whole safetensors file" in said
    assert after == pytest.approx(before)
    load_prompt(home / TRIAL)


def test_everything_of_all_trials_is_gone(base, home, monkeypatch):
    before = values(home)
    shutil.rmtree(home / "trials")
    said, after = run(base, home, monkeypatch)
    assert said.count("trained again") == len(before)
    assert after == pytest.approx(before)


def test_a_sweep_file_that_no_copy_has_is_refused(base, home, monkeypatch):
    shutil.rmtree(home / "mlartifacts")
    (home / "sweep.yaml").write_text("name: [")
    answer = verb(monkeypatch, "run", base / "made.yaml", "--home", home)
    assert answer.exit_code == 2
    assert "the home's own sweep file is damaged" in answer.stderr and "--resolved" in answer.stderr
    (home / "sweep.yaml").unlink()
    answer = verb(monkeypatch, "run", base / "made.yaml", "--home", home)
    assert (answer.exit_code, "sweep file is missing" in answer.stderr) == (2, True)
