"""What `plan` and `run` say of prompts in the image tower: another class of cost, and room in the cache."""

from collections.abc import Iterator

from nemesis_sweep.data.class_counts import counts_here
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.prompt_fields import LAST
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.vlm.configuration import image_blocks, image_bytes, image_token_numbers

FLOAT, GIB = 4, 2**30


def image_tower_lines(sweep: Sweep) -> Iterator[str]:
    """Lines for every backbone, where a kind of prompt of the sweep runs blocks of the image tower."""
    parts = CrossSection(sweep.method, sweep.space, sweep.tasks)
    table = sweep.method.kinds
    possible = dict.fromkeys(parts.possible("prompt"))
    kinds = [kind for kind in possible if kind in table and table[kind].in_image_tower]
    if not kinds:
        return
    lasts = list(dict.fromkeys(parts.possible(LAST)))
    for name in sweep.tasks.backbone:
        there = image_blocks(name)
        yield (
            f"{listed(kinds)}: every step runs {_blocks(lasts, there)} of the image tower of {name}, "
            "forward and back, and every trial runs all its test images through them; plan --probe says how "
            "long that takes"
        )
        each = [_view_bytes(name, last) for last in lasts]
        views = _views(sweep, parts)
        if views and all(each):
            told = f"{sum(each) * views / GIB:.1f} GiB in the cache ({_listed(each)} kB a view)"
            yield f"{name}: at most {views} image views take {told}"


def _view_bytes(name: str, last: int | None) -> int:
    """Of a view as it is kept: its pixels, or with fewer blocks its tokens; 0 where that is not known."""
    return (image_bytes(name) if last is None else FLOAT * image_token_numbers(name)) or 0


def _listed(each: list[int]) -> str:
    return " + ".join(f"{size / 1000:.0f}" for size in each)


def _blocks(lasts: list[int | None], there: int | None) -> str:
    numbers = " or ".join(str(last) for last in lasts if last is not None)
    told = [*["all"] * (None in lasts), *[f"the last {numbers}"] * bool(numbers)]
    return f"{' or '.join(told)} {f'of the {there} blocks' if there else 'blocks'}"


def _views(sweep: Sweep, parts: CrossSection) -> int:
    """Image views of all tasks at the most, as far as their lists are here."""
    tasks = sweep.tasks
    most = max(tasks.shots)
    total = 0
    for name in (*tasks.dataset, *tasks.targets):
        counts = counts_here(name, tasks.root)
        if counts is None:
            continue
        total += sum(counts.splits.get("test", ()))
        if name in tasks.dataset:
            cell = (name, most)
            views = max(_number(each, parts, cell) for each in parts.possible("views", cell=cell))
            drawn = sum(min(most, count) for count in counts.splits.get("train", ()))
            total += drawn * tasks.replicates * views + sum(counts.splits.get("val", ()))
    return total


def _number(views: int | str, parts: CrossSection, cell: tuple[str, int]) -> int:
    return int(max(parts.possible("epochs", cell=cell))) if views == "epochs" else int(views)
