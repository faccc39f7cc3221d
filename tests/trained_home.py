"""A sweep run to its end in this process: by the real command, but for Ray, whose part a loop takes."""

from contextlib import contextmanager, nullcontext
from pathlib import Path

from click.testing import CliRunner, Result

from nemesis_sweep.cli import main

SWEEP = """
name: made
tasks: {dataset: digits, shots: 1, replicates: 2}
method: {beta: 1, epochs: 2, views: 1}
space:
  omega: {low: 0.1, high: 100, log: true}
  n_ctx: {choices: [2, 4]}
search: {eval_every: 1, pruner: none, baselines: [zero_shot, coop, control]}
budget: {trials: 2}
"""


def train_here(broker, *others) -> None:
    """One worker after the other, until nothing is left; in the place of ``runner.train``."""
    import torch

    from nemesis_sweep.sweep.trial_spec import read_trial_spec
    from nemesis_sweep.sweep.worker.joint_trial import open_session

    for number in range(1000):
        tune_id = f"t{number}"
        config = broker.next(tune_id)
        if config is None:
            return
        spec = read_trial_spec(config)
        # As the trainable does: the last digits of a number depend on it.
        torch.set_num_threads(spec.threads)
        worker = open_session(spec)
        told = worker.advance()
        while not told.done and not broker.report(tune_id, told):
            told = worker.advance()
        broker.complete(tune_id, told)


@contextmanager
def no_server(file, host, port):
    """In the place of MLflow's server, at which the person presses Ctrl-C at once."""

    class Server:
        url = f"http://{host}:{port}"

        def wait(self) -> int:
            raise KeyboardInterrupt

    yield Server()


def verb(monkeypatch, *arguments: str | Path) -> Result:
    """What a verb of the command line answers."""
    monkeypatch.setattr("nemesis_sweep.sweep.runner.train", train_here)
    # What it does while Ray starts, the loop does too.
    monkeypatch.setattr("nemesis_sweep.sweep.runner.Ahead", nullcontext)
    monkeypatch.setattr("nemesis_sweep.tracking.server.UiServer", no_server)
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def make_home(folder: Path, monkeypatch, text: str = SWEEP) -> Path:
    """A finished sweep below a folder: its file is `made.yaml` there, its home `home`."""
    (folder / "made.yaml").write_text(text)
    answer = verb(monkeypatch, "run", folder / "made.yaml", "--home", folder / "home")
    assert answer.exit_code == 0, answer.output
    return folder / "home"
