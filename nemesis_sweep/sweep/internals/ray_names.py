"""What is used of Ray's processes that is not public. Ray is imported only when it is needed.

What a simulation uses of Ray Tune is in `tune_names`, which imports Tune.
"""

from __future__ import annotations

from nemesis_sweep.sweep.internals.private_names import importing, refuse_missing

NAMES = (
    "ray._private.worker._global_node",
    "ray._private.worker.print_to_stdstream",
    "ray._private.node.Node.raylet_socket_name",
    "ray._raylet.AuthenticationTokenLoader.instance",
    "ray._raylet.AuthenticationTokenLoader.reset_cache",
    "ray._raylet.Config.initialize",
)

CHATTY_LOGGER = "ray._private.runtime_env.packaging"
"""The logger that tells of every package that is sent with a job."""


def check_ray() -> None:
    """Raise a UserError with the names that Ray lacks; imports it."""
    refuse_missing("ray", NAMES)


def silence_dead_raylets() -> None:
    """Keep the log of a raylet that has died off the screen."""
    with importing("ray"):
        from ray._private import worker

    worker.print_to_stdstream = lambda *args, **kwargs: None


def raylet_socket() -> str | None:
    """The path of the socket of this node's raylet, where this process is connected to one."""
    with importing("ray"):
        from ray._private import worker

    return getattr(worker._global_node, "raylet_socket_name", None)


def read_the_token_anew() -> None:
    """Ray keeps the first token that it reads, perhaps for a cluster that this process has had before."""
    with importing("ray"):
        from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()
