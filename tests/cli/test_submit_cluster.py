"""`nemesis-sweep submit` to a real cluster: a head with its job server, a second node, and trials on both."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.real_sweep import STUDY, assert_consistent, wait_for
from tests.ray_cluster import BIN, Cluster, two_nodes

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SWEEP = """
name: short
tasks: {backbone: icon-clip, dataset: digits, shots: 1, replicates: 2}
method: {beta: 0, epochs: 2, views: 1}
space:
  omega: {low: 0.1, high: 100, log: true}
  n_ctx: {choices: [4, 8]}
search: {eval_every: 1, pruner: none}
budget: {trials: 3}
"""
# So short that one worker would have done all of it while the other still loads.
SHORT = ("--set", "method.epochs=60", "--set", "search.eval_every=10")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    features = tmp_path_factory.getbasetemp() / "features"
    with two_nodes({**os.environ, "NEMESIS_SWEEP_CACHE": str(features)}) as cluster:
        yield cluster


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "a file.yaml"
    path.write_text(SWEEP)
    return path


def line(cluster: Cluster, file: Path, home: Path, *more: str) -> list[str]:
    words = ["submit", str(file), "--address", cluster.address, "--home", str(home), *more]
    return [sys.executable, "-m", "nemesis_sweep", *words]


def call(cluster: Cluster, words: list[str] | str) -> subprocess.CompletedProcess:
    """Run a command, or a line as a shell would, as a user who has the cluster's token."""
    return subprocess.run(
        words,
        shell=isinstance(words, str),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        env=users_env(cluster),
    )


def users_env(cluster: Cluster) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_A")}
    return {**kept, "RAY_AUTH_TOKEN": cluster.token, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def results(home: Path) -> dict[Path, dict]:
    return {path: json.loads(path.read_text()) for path in home.glob("trials/*/*/result.json")}


def test_trials_of_a_job_run_on_both_nodes_and_end_in_the_home(cluster, file, tmp_path):
    home = tmp_path / "home"
    answer = call(cluster, line(cluster, file, home, *SHORT, "--ship-code", "--follow"))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "best found" in answer.stdout
    assert answer.stdout.rstrip().endswith(": SUCCEEDED.")
    assert_consistent(home, trials=3)
    nodes = {str(actor["pid"]): actor["node_id"] for actor in cluster.state("actors")}
    used = {nodes[result["worker"].rpartition(":")[2]] for result in results(home).values()}
    assert used == {node["node_id"] for node in cluster.state("nodes")}
    # The code that was sent ran, not the checkout that this test runs from.
    assert json.loads((home / "environment.json").read_text())["git_commit"] == ""
    assert not list(home.glob(".seen-*"))


def test_a_kind_of_prompt_of_ones_own_travels_with_the_job(cluster, file, tmp_path):
    """The module of docs/extending.md, which lies beside the sweep file and nowhere else."""
    page = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^# my_prompts\.py\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (file.parent / "my_prompts.py").write_text(code)
    home = tmp_path / "home"
    own = ["--set", "method.prompt=my_prompts:Residual", "--set", "space.n_ctx=null"]
    answer = call(cluster, line(cluster, file, home, *own, "--ship-code", "--follow"))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "best found" in answer.stdout
    prompts = {
        result["config"]["prompt"] for path, result in results(home).items() if path.parent.name == "0"
    }
    assert prompts == {"my_prompts:Residual"}


def test_the_same_file_again_continues_a_job_that_was_stopped(cluster, file, tmp_path):
    """Ctrl-C leaves the job running; the commands that were printed look at it and stop it."""
    home = tmp_path / "home"
    more = ["--set", "method.epochs=60", "--set", "resources.concurrent=1"]
    following = subprocess.Popen(
        line(cluster, file, home, *more, "--follow"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=users_env(cluster),
    )
    folder = home / "trials" / STUDY
    wait_for(lambda: list(folder.glob("coop/result.json")) and list(folder.glob("*/checkpoint/*")))
    following.send_signal(signal.SIGINT)
    stdout, stderr = following.communicate(timeout=60)
    assert following.returncode == 130
    assert "runs on without you" in stderr
    assert "Traceback" not in stdout + stderr
    told = dict(re.findall(r"^  (.*?): +(.*)$", stderr, re.MULTILINE))
    state = call(cluster, told["its state"])
    assert "RUNNING" in state.stdout + state.stderr

    second = call(cluster, line(cluster, file, home, *more))
    assert second.returncode == 2
    assert "--home: a job is at work in this home already" in second.stderr
    look = told["its trials"].split()[1:3]
    status = call(cluster, [sys.executable, "-m", "nemesis_sweep", *look])
    assert "short in" in status.stdout and "running (process " in status.stdout

    stopped = call(cluster, told["stop it"])
    assert stopped.returncode == 0, stopped.stderr
    kept = {path: path.stat().st_mtime_ns for path in results(home)}
    assert 2 <= len(kept) < 6
    again = call(cluster, line(cluster, file, home, *more, "--follow"))
    assert again.returncode == 0, again.stdout + again.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert_consistent(home, trials=3)


def test_following_ends_as_the_job_does(cluster, file, tmp_path):
    answer = call(cluster, line(cluster, file, tmp_path / "home", "--set", "resources.cpus=5", "--follow"))
    assert answer.returncode == 2, answer.stdout + answer.stderr
    assert "resources.cpus: more CPUs than there are; found 5" in answer.stdout
    assert answer.stdout.rstrip().endswith(": FAILED.")
    assert "Traceback" not in answer.stdout + answer.stderr
