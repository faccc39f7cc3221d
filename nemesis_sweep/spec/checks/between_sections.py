"""All checks that need more than one section of a sweep file."""

from __future__ import annotations

from nemesis_sweep.messages.faults import Fault
from nemesis_sweep.spec.checks.conflicts import conflict_faults
from nemesis_sweep.spec.checks.constraints import constraint_faults
from nemesis_sweep.spec.checks.convergence import convergence_faults
from nemesis_sweep.spec.checks.corruption import corrupt_faults
from nemesis_sweep.spec.checks.depths import image_depth_faults
from nemesis_sweep.spec.checks.idle_dimensions import idle_dimension_faults
from nemesis_sweep.spec.checks.limits import limit_faults
from nemesis_sweep.spec.checks.points import point_faults
from nemesis_sweep.spec.checks.position_room import position_faults
from nemesis_sweep.spec.checks.prompts import prompt_faults
from nemesis_sweep.spec.checks.rows import row_faults
from nemesis_sweep.spec.checks.untested import untested_faults
from nemesis_sweep.spec.cross_section import CrossSection


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
        image_depth_faults,
    )
    return [fault for check in checks for fault in check(parts)]
