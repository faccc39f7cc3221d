"""Arguments as other tools have them: refused in one line with the right form."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main

PAN = str(Path(__file__).parents[2] / "search_spaces" / "pan.yaml")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["epochs=3"], "--set method.epochs=3"),
        (["method.epochs=3"], "--set method.epochs=3"),
        (["learning_rate=0.1"], "--set method.lr=0.1"),
        (["++method.epochs=3"], "--set method.epochs=3"),
        (["space.omega.low=1"], "--set space.omega.low=1"),
        (["tasks.dataset=[digits, emoji]"], "--set 'tasks.dataset=[digits, emoji]'"),
        (["--epochs", "3"], "--set method.epochs=3"),
        (["--epochs=3", "--batch-size", "8"], "--set method.epochs=3 --set method.batch=8"),
        (["--method.lr=0.1"], "--set method.lr=0.1"),
        (["--set", "method.epochs=3", "lr=0.1"], "--set method.lr=0.1"),
        (["--shots", "4"], "--set tasks.shots=4"),
        (["--sett", "epochs=3"], "--set method.epochs=3"),
        (["shots=4"], "--set tasks.shots=4"),
        (["seed=4"], "--set search.seed=4"),
        (["--seed", "4"], "--set search.seed=4"),
        (["-s", "method.epochs=3"], "--set method.epochs=3"),
        (["lr=choice(0.1,0.2)"], "--set 'space.lr={choices: [0.1, 0.2]}'"),
        (["method.n_ctx=4,8"], "--set 'space.n_ctx={choices: [4, 8]}'"),
        (["lr=tag(log, interval(0.1, 1))"], "--set 'space.lr={low: 0.1, high: 1, log: true}'"),
    ],
)
@pytest.mark.parametrize("verb", ["validate", "run", "plan", "submit"])
def test_the_right_form(verb: str, given: list[str], meant: str) -> None:
    result = CliRunner().invoke(main, [verb, PAN, *given])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.endswith(f". Did you mean {meant}?\n")
    assert result.stderr.count("\n") == result.stderr.count("Did you mean") == 1


@pytest.mark.parametrize(
    ("given", "meant"),
    [(["--trails", "4"], "--trials 4"), (["--hom=x y"], "--home 'x y'"), (["--fresch", "-q"], "--fresh")],
)
def test_a_misspelt_option_is_no_setting(given: list[str], meant: str) -> None:
    result = CliRunner().invoke(main, ["run", PAN, *given])
    assert result.exit_code == 2
    assert result.stderr.endswith(f". Did you mean {meant}?\n")


@pytest.mark.parametrize("given", ["--resume", "--continue"])
@pytest.mark.parametrize("verb", ["run", "submit"])
def test_a_sweep_goes_on_by_itself(verb: str, given: str) -> None:
    result = CliRunner().invoke(main, [verb, PAN, given])
    assert result.exit_code == 2
    told = "Did you mean the same command without it, which goes on where the sweep stopped?"
    assert told in result.stderr


@pytest.mark.parametrize("given", [["nonsense"], ["--config", "x"], ["wheel=3"], ["--epochs"]])
def test_what_is_not_known_stays_clicks(given: list[str]) -> None:
    result = CliRunner().invoke(main, ["validate", PAN, *given])
    assert (result.exit_code, "Usage: " in result.stderr) == (2, True)


@pytest.mark.parametrize("written", ["budget.trials: 4", "budget.trials 4"])
def test_a_setting_without_its_sign(written: str) -> None:
    result = CliRunner().invoke(main, ["validate", PAN, "--set", written])
    assert result.exit_code == 2
    assert result.stderr.endswith("Did you mean 'budget.trials=4'?\n")


def test_other_verbs_have_no_settings() -> None:
    result = CliRunner().invoke(main, ["status", "epochs=3", "lr=1"])
    assert (result.exit_code, "--set" in result.stderr) == (2, False)
