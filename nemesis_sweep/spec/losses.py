"""Which penalty a trial has: none, PUN, PAN, or a mixture of the two. Nothing here imports torch."""

from nemesis_sweep.spec.kinds import is_row
from nemesis_sweep.spec.values import Values

NONE, PUN, PAN, MIX = LOSSES = ("none", "PUN", "PAN", "mix")


def loss_of(method: Values) -> str:
    """The loss of a method's fields; a field that is not known counts as omega above 0, and as PUN. A row
    without a prompt has none, whatever omega is."""
    omega = method.get("omega")
    if (omega is not None and float(omega) == 0) or is_row(method.get("prompt")):
        return NONE
    beta = float(method.get("beta", 1))
    return {1.0: PUN, 0.0: PAN}.get(beta, MIX)
