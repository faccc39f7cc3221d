"""Ray Tune's own controller, with simulated workers and without a Ray cluster.

The same code as in a real run: TuneController, its trials, its queue and its reuse of actors; SearchGenerator
and ConcurrencyLimiter; BrokerSearcher, BrokerScheduler and all that is behind them. Not the same: Ray's
RayActorManager, whose place :class:`SimulatedActors` takes, so nothing starts, dies or waits for resources;
the trainable; and Tuner, which would start a cluster and read the results of all trials at the end.
"""

import sys
import tempfile
from collections.abc import Callable

from ray.tune import CheckpointConfig, Trainable
from ray.tune.search import ConcurrencyLimiter, SearchGenerator

from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.cluster.environment import quiet_tune
from nemesis_sweep.sweep.internals.tune_names import LocalExperiment, TuneController, check_tune, take_workers
from nemesis_sweep.sweep.searcher import BrokerScheduler, BrokerSearcher
from nemesis_sweep.sweep.simulation.actors import Clock, SimulatedActors
from nemesis_sweep.sweep.simulation.response import SimulatedTrial


class NoTrainable(Trainable):
    """Tune wants a trainable by name; simulated workers never make one."""


def simulate(
    broker: TrialBroker, workers: int, make_trial: Callable[[Values], SimulatedTrial], clock: Clock
) -> None:
    """Hand the broker to Tune's controller until nothing is left to hand out.

    make_trial: from the configuration that the broker gives to the trial that a worker follows.
    """
    quiet_tune()
    check_tune()
    search = SearchGenerator(ConcurrencyLimiter(BrokerSearcher(broker), max_concurrent=workers))
    # A thread of Tune's may still be writing there when it is removed.
    with tempfile.TemporaryDirectory(prefix="nemesis-sweep-", ignore_cleanup_errors=True) as folder:
        experiment = LocalExperiment(
            "simulated",
            NoTrainable,
            num_samples=sys.maxsize,
            storage_path=folder,
            checkpoint_config=CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            max_failures=broker.sweep.budget.retries,
            trial_name_creator=lambda trial: trial.trial_id,
            trial_dirname_creator=lambda trial: trial.trial_id,
        )
        controller = TuneController(
            search_alg=search,
            scheduler=BrokerScheduler(broker),
            storage=experiment.storage,
            reuse_actors=True,
            trial_checkpoint_config=experiment.checkpoint_config,
            # Left to itself Tune would look for a cluster's resources.
            resource_manager_factory=lambda: None,
        )
        take_workers(controller, SimulatedActors(make_trial, clock))
        search.add_configurations([experiment])
        controller.update_max_pending_trials()
        while not controller.is_finished():
            controller.step()
        controller.cleanup()
