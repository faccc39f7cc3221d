"""The built-in response: invented, seeded, shaped like the real thing. It says nothing about any dataset."""

import hashlib
import json

import numpy as np
from numpy.typing import NDArray

from nemesis_sweep.spec.baselines import BASELINES, CONFIRM
from nemesis_sweep.spec.dimensions import Choice, Space
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.simulation.response import Curve, report_epochs
from nemesis_sweep.sweep.space.coordinates import dimensions, searched_values, unit
from nemesis_sweep.sweep.trial_spec import TrialSpec

Array = NDArray[np.float64]


class SyntheticResponse:
    """Accuracy in percent that depends on the searched values, with learning curves and noise.

    Every task has an optimum of its own in the unit cube of the space, and a weight for every dimension. With
    the weighted mean squared distance d from it, a trial ends at ceiling - 40 d and gets there from
    zero-shot as 1 - exp(-r e / E) over epochs e of E. The rate r follows another optimum, so that curves
    cross and early epochs mislead. A linear probe gains with shots, from below zero-shot. Noise: of a
    replicate's seed (shared by all trials), of trial and replicate, and of each measurement. Time:
    about 2 s an epoch, more with more vectors and replicates.
    """

    any_seeds = True

    def __init__(self, space: Space, seed: int = 0) -> None:
        self.seed = seed
        self._dimensions = dimensions(space)

    @property
    def identity(self) -> Values:
        return {"kind": "synthetic", "seed": self.seed}

    def curve(self, spec: TrialSpec) -> Curve:
        epochs, task = report_epochs(spec), spec.task
        ceiling, start = self._height(task)
        values = searched_values(spec, self._dimensions)
        promptless = bool(spec.reference)
        # A row without a prompt has numbers of its own; those of a prompt follow from its method alone.
        trial = json.dumps([promptless and spec.reference, values], sort_keys=True)
        if spec.baseline == CONFIRM:  # Nothing of what chose it is met again.
            trial += f" on {spec.seeds}"
        noise = self._rng(task, trial)
        shared = np.array([self._rng(task, f"seed {seed}").normal(0, 1.5) for seed in spec.seeds])
        own, share = noise.normal(0, 1.0, len(shared)), np.array(epochs) / max(1, spec.method.epochs)
        if promptless and BASELINES[spec.reference].learns:
            # It learns from the images alone, so few of them leave it below zero-shot.
            level = np.array([start + (ceiling - start) * (task.shots / (task.shots + 8) - 0.4)])
            if spec.baseline not in BASELINES:
                level = level - 10 * self._far(task, values, "end")
        elif promptless:
            # No prompt is trained: both kinds of zero-shot are where learning begins.
            level, own, shared = np.array([start]), 0 * own, 0 * shared
        else:
            end = ceiling - 40 * self._far(task, values, "end")
            rate = 2 + 6 * (1 - self._far(task, values, "rate"))
            level = start + (end - start) * (1 - np.exp(-rate * share)) / (1 - np.exp(-rate))
            own = own + noise.normal(0, 0.3, (len(epochs), len(own)))
        val = np.clip(level[:, None] + 0.5 * shared + own, 0, 100)
        test = np.clip(level[-1] + shared + 0.7 * np.atleast_2d(own)[-1], 0, 100)
        norm = 0.45 * (1 + 2 * share / (1 + float(spec.method.omega) / 10))
        return Curve(epochs, self._seconds(spec, noise, epochs), _metrics(val, test, norm))

    def _height(self, task: Task) -> tuple[float, float]:
        """Accuracy at the optimum, and of zero-shot; more shots reach higher."""
        draw = self._rng(task, "height").uniform(size=2)
        return 70 + 15 * draw[0] + 10 * task.shots / (task.shots + 8), 45 + 15 * draw[1]

    def _far(self, task: Task, values: Values, which: str) -> float:
        """Weighted mean squared distance, 0 to 1, from the optimum of what is looked for."""
        total = weights = 0.0
        for name, value in values.items():
            draw = self._rng(task, f"{which} {name}")
            weight, optimum = draw.uniform(0.3, 1.0), draw.uniform(0.15, 0.85)
            dimension = self._dimensions[name]
            if isinstance(dimension, Choice):
                away = self._rng(task, f"{which} {name} {value!r}").uniform() ** 2
            else:
                away = ((unit(dimension, value) - optimum) / max(optimum, 1 - optimum)) ** 2
            total, weights = total + weight * away, weights + weight
        return total / weights if weights else 0.0

    def _seconds(
        self, spec: TrialSpec, noise: np.random.Generator, epochs: tuple[int, ...]
    ) -> tuple[float, ...]:
        vectors, replicates = spec.method.n_ctx / 16, len(spec.seeds) / 3
        an_epoch = (1 + vectors) * (0.5 + 0.5 * replicates) * float(noise.lognormal(0, 0.1))
        return tuple(an_epoch * max(1, epoch) for epoch in epochs)

    def _rng(self, task: Task, what: str) -> np.random.Generator:
        """A generator for one purpose, whatever was drawn before."""
        digest = hashlib.sha256(f"{self.seed}:{task.identity}:{what}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _metrics(val: Array, test: Array, norm: Array) -> tuple[dict[str, list[float]], ...]:
    """Metrics of every report from val (reports, R), test (R) and the mean norm (reports)."""
    made = [
        {
            "val/accuracy": accuracy.tolist(),
            "val/loss": (4 * (1 - accuracy / 100)).tolist(),
            "norm/mean": [float(size)] * len(accuracy),
        }
        for accuracy, size in zip(val, norm, strict=True)
    ]
    made[-1] |= {"test/accuracy": test.tolist(), "test/loss": (4 * (1 - test / 100)).tolist()}
    return tuple(made)
