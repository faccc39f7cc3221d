"""A baseline is a function and an entry of the table: nothing else has to know of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nemesis_sweep.report.results import read_results

PROGRAM = '''
import sys
from pathlib import Path

import nemesis_sweep.spec.baselines as table


def prototypes(backbone, dataset, features):
    """The nearest mean of each class's training images."""
    import torch
    from torch.nn import functional as F

    from nemesis_sweep.training.references.measured import Measured

    metrics = {}
    for train, labels, val, val_labels in zip(
        features.train.mean(dim=2), features.train_labels, features.val, features.val_labels
    ):
        rows = [train[labels == each].mean(dim=0) for each in range(len(dataset.classnames))]
        means = F.normalize(torch.stack(rows), dim=-1)
        for split, images, known in (("val", val, val_labels), ("test", features.test, features.test_labels)):
            logits = 100 * images @ means.T
            right = 100 * (logits.argmax(dim=-1) == known).float().mean()
            metrics.setdefault(f"{split}/accuracy", []).append(float(right))
            metrics.setdefault(f"{split}/loss", []).append(float(F.cross_entropy(logits, known)))
    return Measured(metrics)


row = table.Baseline(
    "class means", "the nearest mean", measure=prototypes, transfers=False, fields=("precision", "views")
)
table.BASELINES = {"prototypes": row} | table.BASELINES
table.PROMPTLESS = ("prototypes", *table.PROMPTLESS)

import pytest

from tests.trained_home import verb

file, home, protocol = sys.argv[1:]
with pytest.MonkeyPatch.context() as patch:
    answer = verb(patch, "run", file, "--home", home, "--set", f"tasks.protocol={protocol}")
print(answer.output)
sys.exit(answer.exit_code)
'''

SWEEP = """
name: made
tasks: {dataset: digits, shots: 2, replicates: 2}
method: {epochs: 2, views: 1}
search: {baselines: [prototypes, coop]}
budget: {trials: 0}
"""


def run(tmp_path: Path, protocol: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "made.yaml").write_text(SWEEP)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "made.yaml"), str(tmp_path / "home"), protocol]
    path = str(Path(__file__).parents[2])
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})


@pytest.mark.slow
def test_it_is_checked_measured_shown_and_kept(tmp_path):
    done = run(tmp_path, "few_shot")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split("  ") for line in done.stdout.splitlines()]
    (shown,) = [line for line in lines if line[0] == "class means"]
    row, coop = read_results(tmp_path / "home")
    assert (row.baseline, row.number, row.epochs, row.best) == ("prototypes", "prototypes", 0, False)
    assert coop.best
    assert f"{row.metrics['test/accuracy']:.1f} ± " in "".join(shown)
    assert row.metrics["test/accuracy"] > 20  # Two images of each digit tell more than nothing.


def test_it_is_refused_where_it_does_not_transfer(tmp_path):
    done = run(tmp_path, "base_to_new")
    assert done.returncode == 2
    assert "prototypes cannot be tested on classes that it was not trained on" in done.stdout
    assert not (tmp_path / "home").exists()
