"""The figures this package sets out to reach on two cores, each with the cases it is computed from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from nemesis_sweep.bench.step import Figures, measure_step
from nemesis_sweep.bench.timing import Say, make_implementation, take_turns, use_threads
from nemesis_sweep.bench.workload import Setting, make_workload
from nemesis_sweep.messages.errors import Problem, UserError

GIB = 1024**3

_CACHED = ("public",)
_ALONE = ("public", "plain")
CASES: dict[str, Setting] = {
    "text step, 100 classes": Setting(pan=0, skip=_CACHED),
    "text step, 400 classes": Setting(classes=400, pan=0, repeats=3, skip=_CACHED),
    "text step, 400 ImageNet-like names": Setting(
        classes=400, names="imagenet-like", pan=0, repeats=3, skip=_CACHED
    ),
    "text step, 1000 ImageNet-like names": Setting(classes=1000, names="imagenet-like", pan=0, skip=_ALONE),
    "PAN step with images, 100 classes": Setting(pan=1),
    "PAN step with images, icon-clip, 3 replicates": Setting("icon-clip", classes=26, replicates=3),
    "cocoop step, batch 8, 100 classes": Setting(prompt="cocoop", batch=8, repeats=2),
    "plot step, 4 prompts, 100 classes": Setting(prompt="plot", repeats=3),
    "deep_text step, 100 classes": Setting(prompt="deep_text", repeats=3),
    "vpt step, last 2 blocks": Setting(prompt="vpt", n_ctx=8, last=2, repeats=3),
    "prefix step, 100 classes": Setting(prompt="prefix", repeats=3),
}
"""The published setting, ViT-B-16, 16 context vectors, batches of 32, where it does not say otherwise;
`bench step` measures each of them."""

IN_TURN: dict[str, tuple[Setting, Setting]] = {
    "1000 / 400 ImageNet-like names, ours": (
        Setting(classes=1000, names="imagenet-like", pan=0),
        Setting(classes=400, names="imagenet-like", pan=0),
    ),
    "PAN step (1 position) / CoOp step, ours": (Setting(pan=1, repeats=15), Setting(pan=0, repeats=15)),
    "small text tower, 30 classes: 3 replicates / 1": (
        Setting("icon-clip", classes=30, pan=0, replicates=3, repeats=51),
        Setting("icon-clip", classes=30, pan=0, replicates=1, repeats=51),
    ),
    "kgcoop step / coop step, ours": (Setting(prompt="kgcoop", repeats=9), Setting(repeats=9)),
    "prograd step / coop step, ours": (Setting(prograd=1.0, repeats=9), Setting(repeats=9)),
    "ptuning step / coop step, ours": (Setting(prompt="ptuning", repeats=9), Setting(repeats=9)),
}
"""Pairs of settings of which ours is timed in turn."""


@dataclass(frozen=True)
class Goal:
    """A figure, the bound it has to keep, and how it is read off the results.

    at_least: whether `bound` is a lower bound. unit: `x`, `%` or `GiB`.
    """

    figure: str
    bound: float
    at_least: bool
    unit: str
    read: Callable[[Mapping[str, Any]], float | None]

    def reached(self, results: Mapping[str, Any]) -> bool | None:
        """Whether the bound is kept; None if the figure was not measured."""
        value = self.read(results)
        if value is None:
            return None
        return value >= self.bound if self.at_least else value <= self.bound


def _of(case: str, key: str, factor: float = 1.0) -> Callable[[Mapping[str, Any]], float | None]:
    def read(results: Mapping[str, Any]) -> float | None:
        value = results[case][key] if case in results else None
        return None if value is None else factor * value

    return read


def _pair(case: str) -> Callable[[Mapping[str, Any]], float | None]:
    return _of(case, "ratio")


_100, _400, _UNEVEN, _1000, _PAN, _ICON, _COCOOP, _PLOT, _DEEP, _VPT, _PREFIX = CASES
GOALS = (
    Goal("text step, 100 classes, plain / ours", 14, True, "x", _of(_100, "plain_over_ours")),
    Goal("text step, 400 classes, plain / ours", 22, True, "x", _of(_400, "plain_over_ours")),
    Goal("PAN step with images, 100 classes, public / ours", 65, True, "x", _of(_PAN, "public_over_ours")),
    Goal("the same, icon-clip, 26 classes, 3 replicates", 24, True, "x", _of(_ICON, "public_over_ours")),
    Goal("cocoop step, batch 8, 100 classes, plain / ours", 10, True, "x", _of(_COCOOP, "plain_over_ours")),
    Goal("peak memory of that step, ours", 3, False, "GiB", _of(_COCOOP, "ours_peak_bytes", 1 / GIB)),
    Goal("plot step, 4 prompts, 100 classes, plain / ours", 15, True, "x", _of(_PLOT, "plain_over_ours")),
    Goal("deep_text step, 100 classes, plain / ours", 15, True, "x", _of(_DEEP, "plain_over_ours")),
    Goal("vpt step, last 2 blocks, plain / ours", 3, True, "x", _of(_VPT, "plain_over_ours")),
    Goal("prefix step, 100 classes, plain / ours", 15, True, "x", _of(_PREFIX, "plain_over_ours")),
    Goal("text step, 400 ImageNet-like names, plain / ours", 18, True, "x", _of(_UNEVEN, "plain_over_ours")),
    Goal("peak memory of that step, plain / ours", 10, True, "x", _of(_UNEVEN, "plain_over_ours_memory")),
    Goal("peak memory at 1000 such classes, ours", 2.5, False, "GiB", _of(_1000, "ours_peak_bytes", 1 / GIB)),
    *(
        Goal(case, bound, False, "x", _pair(case))
        for case, bound in zip(IN_TURN, (2.7, 1.6, 1.8, 1.1, 1.7, 1.1), strict=True)
    ),
    Goal("share of matrix-product peak, 100 classes", 50, True, "%", _of(_100, "peak_share", 100)),
)


def measure_goals(threads: int, say: Say, only: Sequence[str] = ()) -> dict[str, Any]:
    """Measure every case and pair: what `measure_step` and `measure_pair` return, by name.

    only: those whose name has one of these texts in it. Raises ``UserError`` for a text that none has.
    """
    use_threads(threads)
    names = [*CASES, *IN_TURN]
    for text in only:
        if not any(text in name for name in names):
            raise UserError(Problem("no such case", "--only", found=repr(text), allowed=", ".join(names)))
    chosen = {name for name in names if not only or any(text in name for text in only)}

    results: dict[str, Any] = {}
    for name, setting in CASES.items():
        if name not in chosen:
            continue
        say(f"== {name}")
        results[name] = measure_step(replace(setting, threads=threads), say)
    for name, (over, under) in IN_TURN.items():
        if name not in chosen:
            continue
        say(f"== {name}")
        results[name] = measure_pair(over, under, say)
    return results


def measure_pair(over: Setting, under: Setting, say: Say) -> Figures:
    """Our step at two settings of the same backbone, in turn: median seconds of both and their ratio.

    The ratio is the median over neighbouring steps, which a slow drift of the machine leaves alone.
    """

    first = make_workload(over)
    works = {"over": first, "under": make_workload(under, first.backbone)}
    implementations = {
        name: (workload, make_implementation("ours", workload)) for name, workload in works.items()
    }
    turns = take_turns(implementations, over.repeats, say)
    pairs = zip(turns["over"], turns["under"], strict=True)
    return {
        "over_seconds": median(turn.seconds for turn in turns["over"]),
        "under_seconds": median(turn.seconds for turn in turns["under"]),
        "ratio": median(a.seconds / b.seconds for a, b in pairs),
    }
