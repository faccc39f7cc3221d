"""What `plan` and `run` say of backbones whose weights have no factor on cosines."""

from collections.abc import Iterator

from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.vlm.configuration import stores_scale
from nemesis_sweep.vlm.dual_encoders.families import USUAL_SCALE

CLIPS = 100
"""CLIP's own factor."""


def logit_scale_lines(sweep: Sweep) -> Iterator[str]:
    """A line for every backbone that is trained with the sweep file's factor, or with the usual one."""
    given = sweep.tasks.logit_scale
    for name in dict.fromkeys(sweep.tasks.backbone):
        if not stores_scale(name):
            chosen = (
                "tasks.logit_scale" if given is not None else "the usual 1 / 0.07, tasks.logit_scale sets it"
            )
            scale = USUAL_SCALE if given is None else given
            yield (
                f"{name} stores no logit_scale: {scale:.4g} ({chosen}); CLIP's is {CLIPS}, so learning rates "
                "found with CLIP do not carry over"
            )
