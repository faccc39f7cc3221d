"""Class names beside the context vectors that a sweep asks for: whether the texts have room for both.

`spec/checks/context_room.py` refuses what leaves no room for the shortest name; here are the data's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nemesis_sweep.data.dataset import DEFAULT_TEMPLATE
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.spec.baselines import BASELINES, COOP, known_before
from nemesis_sweep.spec.checks.context_room import TEMPLATE
from nemesis_sweep.spec.cross_section import Cell, CrossSection, extremes
from nemesis_sweep.spec.dimensions import Choice
from nemesis_sweep.spec.part import part_at
from nemesis_sweep.spec.prompts import among_words
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
        if asked and longest is not None:
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
        yield from self._sentences()

    def _sentences(self) -> Iterator[Problem]:
        """Rows that put the names into sentences, and kinds whose own sentences are written."""
        for row, baseline in BASELINES.items():
            if row in self.sweep.search.baselines and baseline.templates:
                templates = [DEFAULT_TEMPLATE, *part_at(baseline.templates)]
                yield from self._in_sentences("search.baselines", row, templates, f"without {row}, or ")
        parts = CrossSection(self.sweep.method, self.sweep.space)
        for kind in dict.fromkeys(parts.possible("prompt", cell=self._cell)):
            if TEMPLATE in self._names_of(kind):
                for key, templates in self._templates(parts.of_kind(kind), optional=kind == COOP):
                    yield from self._in_sentences(key, TEMPLATE, templates, "a shorter one, or ")

    def _templates(self, parts: CrossSection, optional: bool) -> Iterator[tuple[str, list[str]]]:
        """Where sentences are written, and those. optional: whether a kind that has none needs none."""
        for place in parts.places:
            if place.name == TEMPLATE:
                key = ".".join(map(str, place.path))
                yield key, [text for text in extremes(place.dimension) if text is not None]
        fixed = parts.fixed_value(TEMPLATE, self._cell)
        if TEMPLATE not in parts.always and not (optional and fixed is None):
            yield self._written(TEMPLATE), [DEFAULT_TEMPLATE if fixed is None else fixed]

    def _in_sentences(self, key: str, what: str, templates: Sequence[str], way_out: str) -> Iterator[Problem]:
        found = [each for template in templates if (each := self._longest(template)) is not None]
        tokens, name = max(found, default=(0, ""))
        if tokens > self.texts.most:
            message = f"class names of {self.dataset} are too long for the sentences of {what}"
            yield self._problem(key, message, tokens, name, way_out)

    def _asked(self) -> Iterator[tuple[str, str, list[int]]]:
        """Where context vectors are asked for, in words with a place for their numbers, and how many."""
        parts, kinds = CrossSection(self.sweep.method, self.sweep.space), self.sweep.method.kinds
        told: set[int] = set()
        for kind in dict.fromkeys(parts.possible("prompt", cell=self._cell)):
            if among_words([kind], kinds):
                takes_words = "words" in self._names_of(kind)
                for key, what, values in self._asked_by(parts.of_kind(kind), takes_words):
                    told |= set(values)
                    yield key, what, values
        for row in known_before(self.sweep.search.baselines):
            method = baseline_method(self.sweep, self.task, row)
            if among_words([method.prompt], kinds):
                of_words = self._words("search.baselines", [method.words])
                of_number = [("search.baselines", "n_ctx {}", [method.n_ctx])] * (method.words is None)
                for key, what, values in (*of_words, *of_number):
                    if not told.issuperset(values):
                        yield key, f"{what} of {row}", values

    def _asked_by(self, parts: CrossSection, takes_words: bool) -> Iterator[tuple[str, str, list[int]]]:
        """The same of one kind of prompt. takes_words: whether given words decide how many."""
        for place in parts.places:
            if place.name == "n_ctx":
                values = extremes(place.dimension)
                listed = isinstance(place.dimension, Choice)
                key = ".".join(map(str, place.path))
                yield key, "n_ctx {}" if listed else "n_ctx up to {}", values if listed else [max(values)]
            elif place.name == "words" and takes_words:
                yield from self._words(".".join(map(str, place.path)), extremes(place.dimension))
        if takes_words and "words" not in parts.always:
            yield from self._words(self._written("words"), [parts.fixed_value("words", self._cell)])
        without = not takes_words or None in parts.possible("words", cell=self._cell)
        if without and "n_ctx" not in parts.always:
            yield self._written("n_ctx"), "n_ctx {}", [parts.fixed_value("n_ctx", self._cell)]

    def _words(self, key: str, given: Sequence[Any]) -> Iterator[tuple[str, str, list[int]]]:
        words = [text for text in given if text is not None]
        for text, tokens in zip(words, self.texts.tokens(words, self.exactly) or [], strict=False):
            yield key, f"words {text!r} ({{}} tokens)", [tokens - ENDS]

    def _names_of(self, kind: str) -> frozenset[str]:
        """The fields that a kind has; of an unknown one those of CoOp."""
        kinds = self.sweep.method.kinds
        return kinds[kind if kind in kinds else COOP].names

    @property
    def _cell(self) -> Cell:
        return self.task.dataset, self.task.shots

    def _written(self, name: str) -> str:
        """The key under which the fixed value of this task stands."""
        layers = [path for path, layer in self.sweep.method.layers(*self._cell) if name in layer]
        return ".".join(map(str, (*(layers[-1] if layers else ("method",)), name)))

    def _longest(self, template: str, beside: int = 0) -> tuple[int, str] | None:
        """The most tokens that a class name has in a sentence, and the name; None where all surely fit."""
        texts = [template.replace("{}", name.replace("_", " ")) for name in self.names]
        found = self.texts.longest(texts, beside, self.exactly)
        return found and (found[0], self.names[found[1]])

    def _problem(self, key: str, message: str, tokens: int, name: str, way_out: str) -> Problem:
        shown = name if len(name) <= ONE else f"{name[:ONE]}..."
        found = f"{shown!r}, which takes {tokens} of {self.texts.most} tokens without context vectors"
        return Problem(message, key=key, found=found, allowed=f"{way_out}shorter class names")
