"""Workers that take simulated time and no process, where Tune's controller expects Ray's."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.internals.tune_names import TrackedActor, tell_of_its_end
from nemesis_sweep.sweep.simulation.response import SimulatedTrial

NEVER: Callable[[], None] | None = None
"""What is left of an event that was called off."""


@dataclass
class Clock:
    """Simulated time, in seconds since the simulation began."""

    now: float = 0.0


class _Remote:
    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def remote(self, *arguments: Any, **named: Any) -> Any:
        return self._answer


class _Handle:
    """The one thing that a Tune trial asks its actor for by itself."""

    get_auto_filled_metrics = _Remote({})


class SimulatedActors:
    """Stands for ``ray.air.execution._internal.RayActorManager``: what Tune's controller uses of it.

    An actor is an object in this process and starts at once; a reset takes no time; ``train`` takes as long
    as the trial says. :meth:`next` moves the clock to the earliest event, in the order of time and, at one
    time, of request, so that nothing depends on chance. There is no limit on actors: Tune's
    ConcurrencyLimiter allows as many trials at once as there are workers.
    """

    def __init__(self, make_trial: Callable[[Values], SimulatedTrial], clock: Clock) -> None:
        self._make_trial = make_trial
        self._clock = clock
        self._count = itertools.count()
        self._events: list[list[Any]] = []
        self._waiting: dict[TrackedActor, list[list[Any]]] = {}
        self._trials: dict[TrackedActor, SimulatedTrial] = {}
        self._live_actors_to_ray_actors_resources: dict[TrackedActor, tuple[_Handle, None]] = {}

    def next(self, timeout: float | None = None) -> bool:
        """Handle the next event; false when there is none."""
        while self._events:
            time, _, event = heapq.heappop(self._events)
            if event is not NEVER:
                self._clock.now = time
                event()
                return True
        return False

    def add_actor(
        self,
        cls: Any,
        kwargs: Values,
        resource_request: Any,
        on_start: Any = None,
        on_stop: Any = None,
        on_error: Any = None,
    ) -> TrackedActor:
        actor = TrackedActor(next(self._count), on_start=on_start, on_stop=on_stop, on_error=on_error)
        self._live_actors_to_ray_actors_resources[actor] = (_Handle(), None)
        self._trials[actor] = self._make_trial(kwargs["config"])
        self._after(0.0, actor, lambda: on_start(actor))
        return actor

    def schedule_actor_task(
        self,
        tracked_actor: TrackedActor,
        method_name: str,
        args: tuple[Any, ...] | None = None,
        kwargs: Values | None = None,
        on_result: Any = None,
        on_error: Any = None,
        _return_future: bool = False,
    ) -> Any:
        if method_name == "train":
            seconds, report = self._trials[tracked_actor].advance()
            self._after(seconds, tracked_actor, lambda: on_result(tracked_actor, report.to_json()))
        elif method_name == "reset" and args:
            self._trials[tracked_actor] = self._make_trial(args[0])
            self._after(0.0, tracked_actor, lambda: on_result(tracked_actor, True))
        elif method_name != "stop":
            raise NotImplementedError(f"a simulated worker has no {method_name}")

    def remove_actor(self, tracked_actor: TrackedActor, kill: bool = False, stop_future: Any = None) -> bool:
        def stop() -> None:
            self._forget(tracked_actor)
            tell_of_its_end(tracked_actor)

        self.clear_actor_task_futures(tracked_actor)
        self._after(0.0, tracked_actor, stop)
        return True

    def clear_actor_task_futures(self, tracked_actor: TrackedActor) -> None:
        for event in self._waiting.pop(tracked_actor, []):
            event[-1] = NEVER

    def is_actor_started(self, tracked_actor: TrackedActor) -> bool:
        return tracked_actor in self._trials

    def is_actor_failed(self, tracked_actor: TrackedActor) -> bool:
        return False

    @property
    def num_live_actors(self) -> int:
        return len(self._trials)

    @property
    def num_total_actors(self) -> int:
        return len(self._trials)

    num_pending_actors = 0

    @property
    def num_actor_tasks(self) -> int:
        return len(self._events)

    def cleanup(self) -> None:
        for actor in list(self._trials):
            self._forget(actor)

    def _after(self, seconds: float, actor: TrackedActor, event: Callable[[], None]) -> None:
        # Called off while it waits, an event stays in the queue without its last entry.
        entry = [self._clock.now + seconds, next(self._count), event]
        # An actor does one thing at a time, so what it waited for before has happened.
        self._waiting[actor] = [entry]
        heapq.heappush(self._events, entry)

    def _forget(self, actor: TrackedActor) -> None:
        self._trials.pop(actor, None)
        self._waiting.pop(actor, None)
        self._live_actors_to_ray_actors_resources.pop(actor, None)
