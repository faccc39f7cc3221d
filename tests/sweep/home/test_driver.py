"""Who drives a sweep, and that nobody is stopped on the wrong machine."""

import multiprocessing
import signal
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from nemesis_sweep.cli import main
from nemesis_sweep.sweep.home.driver import driver
from nemesis_sweep.sweep.home.folder import Home


@pytest.fixture
def driven(tmp_path) -> Iterator[multiprocessing.Process]:
    """A process that drives the home in ``tmp_path``."""
    context = multiprocessing.get_context("fork")
    held = context.Event()

    def hold() -> None:
        # Ray's handler, when an earlier test has started Ray, would come along with the fork.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with Home(tmp_path).driver_lock():
            held.set()
            context.Event().wait(60)

    process = context.Process(target=hold)
    process.start()
    assert held.wait(30)
    yield process
    process.kill()
    process.join()


def test_the_driver_is_known_while_it_lives(tmp_path, driven):
    found = driver(Home(tmp_path))
    assert found is not None and found.process == driven.pid and found.is_here
    driven.kill()
    driven.join()
    assert driver(Home(tmp_path)) is None


def test_a_process_of_the_same_number_on_another_machine_is_left_alone(tmp_path, driven):
    (tmp_path / "driver.lock").write_text(f"{driven.pid} on elsewhere")
    found = driver(Home(tmp_path))
    assert found is not None and not found.is_here
    result = CliRunner().invoke(main, ["stop", str(tmp_path)])
    assert result.exit_code == 2
    assert f"the sweep runs on another machine; found process {driven.pid} on elsewhere" in result.stderr
    assert driven.is_alive()


def test_stop_ends_the_driver(tmp_path, driven):
    result = CliRunner().invoke(main, ["stop", str(tmp_path)])
    assert result.exit_code == 0
    assert f"Stopped process {driven.pid}" in result.stdout
    driven.join(30)
    assert driven.exitcode == -signal.SIGTERM
