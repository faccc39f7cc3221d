"""What a trial takes of a cluster, and how much more a trial gets that ran out of memory."""

from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.resources import Resources

RESOURCES = "resources"
"""Key of a trial's configuration: what it takes, in Ray's words (`cpu`, `gpu`)."""


def trial_resources(wanted: Resources, cluster: dict[str, float], auto_gpus: float) -> dict[str, float]:
    """What one trial takes of the cluster. Raises ``UserError`` for a request that could never be met.

    Ray itself would wait for ever. auto_gpus: the share of a GPU where the sweep file leaves it open.
    """
    gpus = auto_gpus if wanted.gpus == "auto" else float(wanted.gpus)
    problems = []
    for key, wants, kind in (("gpus", gpus, "GPU"), ("cpus", wanted.cpus, "CPU")):
        if wants > cluster.get(kind, 0.0):
            problems.append(_impossible(f"resources.{key}", wants, cluster.get(kind, 0.0), kind))
    if problems:
        raise UserError(problems)
    return {"cpu": wanted.cpus, "gpu": gpus} if gpus else {"cpu": wanted.cpus}


def doubled(share: float) -> float | None:
    """Twice the share of a GPU, at most one whole; None where there is no more to give."""
    return min(1.0, 2 * share) if 0 < share < 1 else None


def concurrent(resources: dict[str, float], cluster: dict[str, float]) -> int:
    """How many trials fit the cluster at once; a trial's share of a GPU is of one GPU."""
    fits = {name: int(cluster[name.upper()] / share + 1e-9) for name, share in resources.items()}
    if 0 < resources.get("gpu", 0.0) < 1:
        fits["gpu"] = int(cluster["GPU"]) * int(1 / resources["gpu"] + 1e-9)
    return min(fits.values())


def _impossible(key: str, wanted: float, there: float, what: str) -> Problem:
    allowed = f"at most {there:g} here" if there else f"there is no {what} here; use 0 or auto"
    return Problem(f"more {what}s than there are", key=key, found=f"{wanted:g}", allowed=allowed)
