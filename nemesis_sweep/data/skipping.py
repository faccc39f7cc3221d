"""Going on without images that cannot be read, when a sweep says `unreadable: skip`.

Episodes are drawn on all images, as published. What of them cannot be read gives its place to another image
of its class, so that everything else stays as drawn; where none is left the class has one image less. Test
sets lose the image. So a class has min(shots, readable images) for every seed.
"""

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from nemesis_sweep.data.dataset import Dataset, Item
from nemesis_sweep.data.episodes import Episode
from nemesis_sweep.data.files import labels_of
from nemesis_sweep.data.inspection import Flaw, flaws_of
from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.data.protocols import ProtocolSplit

Look = Callable[[Sequence[tuple[str, Item]], SayLine | None], Iterable[Flaw]]
"""Decodes images, each given with what it is for (train, val or test), and yields what is wrong with them."""


def unreadable(
    arranged: ProtocolSplit,
    report: SayLine | None = None,
    seen: dict[str, str] | None = None,
    look: Look = flaws_of,
) -> dict[str, str]:
    """Look at every image that would be used; names (dataset and path) of those that cannot be, and why.

    An image that takes another's place is looked at too. seen: what is known of images, '' of those that can
    be read; what is found is added. look: how; by default each is decoded.
    """
    seen = {} if seen is None else seen
    bad: dict[str, str] = {}
    while True:
        used = {_name(data, item): (split, item) for data, split, item in _used(without(arranged, bad))}
        fresh = {name: pair for name, pair in used.items() if name not in seen}
        if fresh:
            seen |= dict.fromkeys(fresh, "")
            names = {item.source: name for name, (_, item) in fresh.items()}
            for flaw in look(list(fresh.values()), report):
                seen[names[flaw.source]] = f"{flaw.kind}: {flaw.reason}"
        found = {name: seen[name] for name in used if seen[name]}
        if not found:
            return bad
        bad |= found


def pictures(arranged: ProtocolSplit) -> dict[str, Item]:
    """Every image that would be used, by its name."""
    return {_name(data, item): item for data, _, item in _used(arranged)}


def without(arranged: ProtocolSplit, bad: Collection[str]) -> ProtocolSplit:
    """The same split without the images of these names; the same for the same names."""
    if not bad:
        return arranged
    source = arranged.source
    return ProtocolSplit(
        source=_tested(source, bad),
        episodes=tuple(_episode(episode, source, bad) for episode in arranged.episodes),
        targets={name: _tested(data, bad) for name, data in arranged.targets.items()},
    )


def _name(data: Dataset, item: Item) -> str:
    return f"{data.name}: {data.local(item)}"


def _used(arranged: ProtocolSplit) -> Iterator[tuple[Dataset, str, Item]]:
    for episode in arranged.episodes:
        yield from ((arranged.source, "train", item) for item in episode.train)
        yield from ((arranged.source, "val", item) for item in episode.val)
    for data in (arranged.source, *arranged.targets.values()):
        yield from ((data, "test", item) for item in data.test)


def _tested(data: Dataset, bad: Collection[str]) -> Dataset:
    test = [item for item in data.test if _name(data, item) not in bad]
    return data if len(test) == len(data.test) else replace(data, splits={**data.splits, "test": test})


def _episode(episode: Episode, data: Dataset, bad: Collection[str]) -> Episode:
    spare = _Spare(data, {"train": data.train, "val": data.splits[episode.val_from]}, episode, bad)
    return replace(episode, train=spare.filled("train"), val=spare.filled("val"))


class _Spare:
    """Images of a class that no part of an episode has, in an order that the seed decides.

    Train comes first: where both parts are from train and all else is taken, it gets one of val's, so that
    every seed has as many in either.
    """

    def __init__(
        self, data: Dataset, pools: Mapping[str, Sequence[Item]], episode: Episode, bad: Collection[str]
    ) -> None:
        self.data, self.pools, self.episode, self.bad = data, pools, episode, bad
        self.taken = {_name(data, item) for item in (*episode.train, *episode.val)}
        shared = episode.val if episode.val_from == "train" else ()
        self.of_val = {name for item in shared if (name := _name(data, item)) not in bad}
        self.moved: set[str] = set()

    def filled(self, part: str) -> tuple[Item, ...]:
        """The episode's part, each unreadable image replaced or left out; train has to come first."""
        drawn = self.episode.train if part == "train" else self.episode.val
        found = (self._instead(part, item) if self._is_gone(item) else item for item in drawn)
        return tuple(item for item in found if item is not None)

    def _is_gone(self, item: Item) -> bool:
        name = _name(self.data, item)
        return name in self.bad or name in self.moved

    def _instead(self, part: str, item: Item) -> Item | None:
        pool = self.pools[part]
        places = [place for place, label in enumerate(labels_of(pool)) if label == item.label]
        random.Random(f"{self.episode.seed} {part} {item.label}").shuffle(places)
        for place in places:
            name = _name(self.data, pool[place])
            if name not in self.taken and name not in self.bad:
                self.taken.add(name)
                return pool[place]
        for place in places if part == "train" else ():
            name = _name(self.data, pool[place])
            if name in self.of_val and name not in self.moved:
                self.moved.add(name)
                return pool[place]
        return None
