"""All checks that need more than one section of a sweep file."""

from __future__ import annotations

from nemesis_sweep.messages.faults import Fault
from nemesis_sweep.spec.conflicts import conflict_faults
from nemesis_sweep.spec.constraints import constraint_faults
from nemesis_sweep.spec.convergence import convergence_faults
from nemesis_sweep.spec.corrupt_checks import corrupt_faults
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.idle_dimensions import idle_dimension_faults
from nemesis_sweep.spec.limits import limit_faults
from nemesis_sweep.spec.points import point_faults
from nemesis_sweep.spec.position_room import position_faults
from nemesis_sweep.spec.prompt_checks import prompt_faults
from nemesis_sweep.spec.row_checks import row_faults
from nemesis_sweep.spec.untested import untested_faults


def faults_between(parts: CrossSection) -> list[Fault]:
    """Return everything in which valid sections do not go together."""
    checks = (
        conflict_faults,
        prompt_faults,
        row_faults,
        untested_faults,
        idle_dimension_faults,
        position_faults,
        point_faults,
        limit_faults,
        constraint_faults,
        convergence_faults,
        corrupt_faults,
    )
    return [fault for check in checks for fault in check(parts)]
