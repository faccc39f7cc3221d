"""The weights that a sweep's trials need, on this machine before the first of them."""

from collections.abc import Sequence

from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.cluster.ray_session import RaySession
from nemesis_sweep.vlm.presence import check_backbones


def bring_weights(backbones: Sequence[str], session: RaySession, say: SayLine) -> None:
    """Bring the weights of these backbones here; raise ``UserError`` with those that cannot be had.

    A cluster that others have started may have what this machine lacks: there its workers see for themselves.
    """
    if session.own:
        check_backbones(backbones, say)


def backbones_to_load(broker: TrialBroker) -> list[str]:
    """Backbones of the studies that are not over."""
    return [task.backbone for study in broker.studies if broker.goes_on(study) for task in study.tasks]
