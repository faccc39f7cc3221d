"""Looking at a sweep's pictures by encoding them: what can be encoded can be read, and is decoded once."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.inspection import Flaw
from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.data.skipping import unreadable
from nemesis_sweep.data.store import FeatureStore
from nemesis_sweep.spec.outside.beside import BESIDE
from nemesis_sweep.spec.reads import POOLED, Reads
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.cause import BACKBONE, DATASET
from nemesis_sweep.sweep.worker import worker_cache
from nemesis_sweep.sweep.worker.beginning import shared_by
from nemesis_sweep.sweep.worker.encoding_log import encoding_report
from nemesis_sweep.sweep.worker.gpu_memory import gpu_share, hide_gpus, keep_to_share
from nemesis_sweep.vlm.backbone import Backbone


class Encoding:
    """Encodes pictures as trials need them, and yields what is wrong with those that cannot be read.

    views: of training pictures. Others are seen from the centre. reads: the kinds of features.
    """

    def __init__(self, backbone: Backbone, views: int, reads: Sequence[Reads] = (POOLED,)) -> None:
        self._centre = [FeatureStore(backbone, 1, reads=each) for each in reads]
        several = [FeatureStore(backbone, views, reads=each) for each in reads] if views > 1 else None
        self._augmented = several or self._centre

    def __call__(self, items: Sequence[tuple[str, Item]], report: SayLine | None = None) -> Iterator[Flaw]:
        """Yield the flaws of pictures that are each given with what they are for: train, val or test."""
        train = [item for part, item in items if part == "train"]
        others = [item for part, item in items if part != "train"]
        for part, stores, wanted in (("train", self._augmented, train), ("", self._centre, others)):
            # What cannot be read is the same for every kind.
            flaws = [store.fill(wanted, report) for store in stores]
            for place, error in flaws[0].items():
                yield Flaw(error.kind, part, wanted[place].source, error.reason)


def encode_pictures(
    asked: Sequence[Values], seeds: Sequence[int], home: str, threads: int, known: dict[str, str]
) -> dict[str, str]:
    """Encode the pictures of some tasks; what is known of each picture then, '' of those that are whole.

    asked: for each task its fields, `views`, `precision` and `reads`. known: what was known of them before.
    Raises ``SharedCauseError`` for a backbone or a dataset that cannot be loaded.
    """
    import torch

    hide_gpus()
    torch.set_num_threads(threads)
    keep_to_share(gpu_share(), Path(home))
    BESIDE.look_in(Path(home))
    for one in asked:
        task = Task.from_plain(one["task"])
        there = Path(home).is_dir()  # It may not be on this node.
        kept = home if there else ""
        with shared_by(BACKBONE, task.backbone, kept):
            worker_cache.backbone(task.backbone, task.start)
        with shared_by(DATASET, task.dataset, kept):
            arranged = worker_cache.arranged(task, tuple(seeds))
        frozen = worker_cache.towers(task.backbone, one["precision"], task.start)
        look = Encoding(frozen, one["views"], one["reads"])
        report = encoding_report(Path(home), task.key) if there else None
        unreadable(arranged, report, known, look)
    return known
