"""Class names beside the context vectors that a sweep asks for: whether the texts have room for both.

`spec/context_room.py` refuses what leaves no room for the shortest name; here are the names of the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.baselines import BASELINES, known_before
from nemesis_sweep.spec.cross_section import CrossSection, extremes
from nemesis_sweep.spec.dimensions import Choice
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.spec.prompts import among_words
from nemesis_sweep.spec.space import searched_names
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.space.baselines import baseline_method
from nemesis_sweep.vlm.text_length import ENDS, TextLength, text_length

ONE = 40
"""Characters of a class name that are shown."""


def refuse_long_names(
    sweep: Sweep, tasks: Iterable[Task], names: Mapping[str, Sequence[str]], exactly: bool = True
) -> None:
    """Raise ``UserError`` for class names that have no room beside the context vectors of some trial.

    tasks: those that are looked at. names: the class names of their datasets, by the names that tasks give
    those; others are not judged. exactly: as in ``TextLength``.
    """
    problems: dict[tuple[str, str], Problem] = {}
    for task in tasks:
        texts = text_length(task.backbone)
        for name in (task.dataset, *task.targets):
            if texts is not None and name in names:
                for problem in _Fitting(sweep, task, texts, name, names[name], exactly).problems():
                    problems.setdefault((problem.key, problem.message), problem)
    if problems:
        raise UserError(list(problems.values()))


@dataclass(frozen=True)
class _Fitting:
    """The class names of one dataset and what a task puts beside them."""

    sweep: Sweep
    task: Task
    texts: TextLength
    dataset: str
    names: Sequence[str]
    exactly: bool

    def problems(self) -> Iterator[Problem]:
        asked = list(self._asked())
        most = max((value for _, _, values in asked for value in values), default=0)
        longest = self._longest("{}.", most)
        if longest is not None:
            tokens, name = longest
            room = self.texts.most - tokens
            if room < 1:
                about = f"class names of {self.dataset} are too long for the texts of"
                yield self._problem("tasks.dataset", f"{about} {self.texts.backbone}", tokens, name, "")
                return
            for key, what, values in asked:
                if too_many := [value for value in values if value > room]:
                    beside = what.format(" and ".join(map(str, too_many)))
                    message = f"no room for class names of {self.dataset} beside {beside}"
                    way_out = f"at most {counted(room, 'context vector')}, or "
                    yield self._problem(key, message, tokens, name, way_out)
        yield from self._references()

    def _references(self) -> Iterator[Problem]:
        """Rows that put the names into sentences."""
        for row, baseline in BASELINES.items():
            if row not in self.sweep.search.baselines or not baseline.templates:
                continue
            templates = (DEFAULT_TEMPLATE, *part_at(baseline.templates))
            found = [each for template in templates if (each := self._longest(template)) is not None]
            tokens, name = max(found, default=(0, ""))
            if tokens > self.texts.most:
                message = f"class names of {self.dataset} are too long for the sentences of {row}"
                yield self._problem("search.baselines", message, tokens, name, f"without {row}, or ")

    def _asked(self) -> Iterator[tuple[str, str, list[int]]]:
        """Where context vectors are asked for, in words with a place for their numbers, and how many."""
        parts = CrossSection(self.sweep.method, self.sweep.space)
        cell = (self.task.dataset, self.task.shots)
        kinds = self.sweep.method.kinds
        for place in parts.places:
            if place.name == "n_ctx" and among_words(parts.possible("prompt", place), kinds):
                values = extremes(place.dimension)
                listed = isinstance(place.dimension, Choice)
                key = ".".join(map(str, place.path))
                yield key, "n_ctx {}" if listed else "n_ctx up to {}", values if listed else [max(values)]
        fixed = among_words(parts.possible("prompt", cell=cell), kinds)
        words = [text for text in parts.possible("words", cell=cell) if text is not None]
        for text, tokens in zip(words, self.texts.tokens(words, self.exactly) or [], strict=False):
            if fixed:
                yield "method.words", f"words {text!r} ({{}} tokens)", [tokens - ENDS]
        if fixed and "n_ctx" not in parts.always and (not words or "words" in parts.always):
            yield self._written(cell), "n_ctx {}", [parts.fixed_value("n_ctx", cell)]
        for row in known_before(self.sweep.search.baselines):
            method = baseline_method(self.sweep, self.task, row)
            searched = not fixed or "n_ctx" in searched_names(self.sweep.space)
            if method.words is None and searched and among_words([method.prompt], kinds):
                yield "search.baselines", f"n_ctx {{}} of {row}", [method.n_ctx]

    def _written(self, cell: tuple[str, int]) -> str:
        """The key under which the fixed number of vectors of this task stands."""
        layers = [path for path, layer in self.sweep.method.layers(*cell) if "n_ctx" in layer]
        return ".".join(map(str, (*(layers[-1] if layers else ("method",)), "n_ctx")))

    def _longest(self, template: str, beside: int = 0) -> tuple[int, str] | None:
        """The most tokens that a class name has in a sentence, and the name; None where all surely fit."""
        texts = [template.format(name.replace("_", " ")) for name in self.names]
        found = self.texts.longest(texts, beside, self.exactly)
        return found and (found[0], self.names[found[1]])

    def _problem(self, key: str, message: str, tokens: int, name: str, way_out: str) -> Problem:
        shown = name if len(name) <= ONE else f"{name[:ONE]}..."
        found = f"{shown!r}, which takes {tokens} of {self.texts.most} tokens without context vectors"
        return Problem(message, key=key, found=found, allowed=f"{way_out}shorter class names")
