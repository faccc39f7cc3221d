"""Performance profiles: on which share of all runs a method gains more than x over plain CoOp."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nemesis_sweep.report.page.comparison import MethodScores, method_scores
from nemesis_sweep.report.page.label_lines import title_lines
from nemesis_sweep.report.page.looks import looks
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Picture, Piece, Section
from nemesis_sweep.report.page.style import ACROSS, GRID, INK, entitle, legend_below, panels
from nemesis_sweep.report.statistics.performance_profile import Profile, performance_profile

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

POINTS = 200
LABEL = 40
"""Letters of a line of their legend: one that names several methods has more."""
TOGETHER = 4
"""The most methods whose bands can be told apart in one panel."""


def _draw(material: Material) -> Iterator[Picture]:
    methods = [each for each in method_scores(material) if each.gains]
    if not methods or len({task for each in methods for task in each.gains}) < 2:
        return
    grid = _grid(methods)
    profiles = {
        label: performance_profile(each.gains.values(), grid) for label, each in _apart(methods).items()
    }
    beyond = [label for label, profile in profiles.items() if profile.share is None or not profile.share[0]]
    profiles = {label: profile for label, profile in profiles.items() if label not in beyond}
    look = _looks(material, profiles)
    if len(profiles) <= TOGETHER:
        figure, axes = panels(1, height=2.6)
        for method, profile in profiles.items():
            _line(axes[0], profile, look[method], label=title_lines(method, LABEL))
        legend_below(figure, axes)
    else:
        figure, axes = panels(len(profiles), height=1.55, sharex=True, sharey=True)
        for ax, (method, profile) in zip(axes, profiles.items(), strict=True):
            for other in profiles.values():
                _line(ax, other, {"color": GRID, "linestyle": "-"}, behind=True)
            _line(ax, profile, look[method])
            entitle(ax, method)
    _axes(axes, grid)
    yield Picture("performance-profile", "Performance profiles", _caption(profiles, beyond), figure)


def _apart(methods: Sequence[MethodScores]) -> dict[str, MethodScores]:
    """The methods by what their line is called: those with the same gains throughout share one."""
    same: dict[str, list[MethodScores]] = {}
    for each in methods:
        same.setdefault(repr(each.gains), []).append(each)
    return {" = ".join(each.method for each in group): group[-1] for group in same.values()}


def _looks(material: Material, labels: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Of each line the look of its last method."""
    look = looks(each.method for each in method_scores(material))
    return {label: look[label.split(" = ")[-1]] for label in labels}


def _grid(methods: Sequence[MethodScores]) -> np.ndarray:
    """From the smallest to the largest gain of the methods that train a prompt, and 0, with some room."""
    import numpy as np

    shown = [each for each in methods if each.trains] or list(methods)
    gains = [gain for each in shown for of_task in each.gains.values() for gain in of_task]
    finite = np.array([0.0, *(gain for gain in gains if np.isfinite(gain))])
    room = 0.05 * (np.ptp(finite) or 1.0)
    return np.linspace(finite.min() - room, finite.max() + room, POINTS)


def _line(
    ax: Axes, profile: Profile, how: Mapping[str, Any], label: str = "", *, behind: bool = False
) -> None:
    """A profile with its band, or thin and without it, behind another."""
    assert profile.share is not None
    style = {"color": how["color"], "linestyle": how["linestyle"]} | (
        {"linewidth": 0.5, "alpha": 0.6} if behind else {}
    )
    ax.plot(profile.grid, profile.share, label=label or None, **style)
    if behind:
        return
    if profile.low is not None and profile.high is not None:
        ax.fill_between(profile.grid, profile.low, profile.high, color=how["color"], alpha=0.18, linewidth=0)


def _axes(axes: Sequence[Axes], grid: np.ndarray) -> None:
    for ax in axes:
        ax.axvline(0, color=INK, linewidth=0.7)
        ax.set_xlim(grid[0], grid[-1])
        ax.set_ylim(0, 1)
    # Of panels with shared axes only the outer ones have labels.
    for ax in axes:
        ax.label_outer()
    for ax in axes[-ACROSS:]:
        ax.tick_params(labelbottom=True)
    figure = axes[0].figure
    if len(axes) == 1:
        axes[0].set_xlabel("x: gain over plain CoOp (points)")
        axes[0].set_ylabel("share of runs\nwith more than x")
    else:
        figure.supxlabel("x: gain over plain CoOp (points)", fontsize=8)
        figure.supylabel("share of runs with more than x", fontsize=8)


def _caption(profiles: Mapping[str, Profile], beyond: Sequence[str]) -> str:
    sizes = dict.fromkeys(str(profile.n) for profile in profiles.values())
    doubts = dict.fromkeys(profile.why for profile in profiles.values() if profile.why)
    told = [
        "Share of runs (a replicate of a task) that gain more than x on test over plain CoOp on the same "
        "seed: read off at 0 how often a method is better, and at the right by how much",
        f"n: {' or '.join(sizes)}; bands: 95 % stratified bootstrap",
        "x ends with the gains of methods that train a prompt",
        *doubts,
    ]
    if beyond:
        told.append(f"Further at the left than that, in all runs: {', '.join(beyond)}")
    return ". ".join(told) + "."


PIECE = Piece(Section.COMPARISON, 30, _draw)
