"""Ray Tune at work on what the broker hands out."""

from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.cluster.auto_share import auto_share
from nemesis_sweep.sweep.cluster.lost import LostClusterError
from nemesis_sweep.sweep.cluster.own_cluster import standing_in
from nemesis_sweep.sweep.cluster.ray_session import RaySession, nodes_there
from nemesis_sweep.sweep.cluster.shares import concurrent, trial_resources, whole_gpu
from nemesis_sweep.sweep.cluster.supervisor import STOPPING, tell
from nemesis_sweep.sweep.home.shared import refuse_an_unshared_home
from nemesis_sweep.sweep.interrupt import stoppable
from nemesis_sweep.tracking.sender import Sender


def train(broker: TrialBroker, session: RaySession, sender: Sender) -> None:
    """Hand the broker to Ray Tune until nothing is left to hand out, or nothing more is wanted."""
    try:
        _tune(broker, session, sender)
    except LostClusterError:
        if not broker.stopping:
            raise


def _tune(broker: TrialBroker, session: RaySession, sender: Sender) -> None:
    def stop() -> None:
        tell(STOPPING)
        broker.stop()

    # Inside of Ray's session: what is asked for while Ray starts ends it at once.
    with session.running() as cluster, stoppable(stop):
        from ray.tune import CheckpointConfig, FailureConfig, RunConfig, TuneConfig, Tuner

        from nemesis_sweep.sweep.attendance import Attendance, Enough
        from nemesis_sweep.sweep.searcher import BrokerScheduler, BrokerSearcher
        from nemesis_sweep.sweep.worker.trainable import PromptTrainable

        refuse_an_unshared_home(broker.home)
        nodes = nodes_there()
        # Before a whole GPU is asked for, to measure: Ray would wait for ever.
        trial_resources(broker.sweep.resources, nodes, whole_gpu(nodes))
        broker.resources = trial_resources(broker.sweep.resources, nodes, _auto_gpus(broker, cluster))
        sender.ready()
        if broker.stopping:
            return
        broker.progress.doing("Ray has started; its workers load torch and the backbone")
        most = concurrent(broker.resources, nodes)
        wanted = broker.sweep.resources.concurrent
        attendance = Attendance(broker, session)
        tuner = Tuner(
            PromptTrainable,
            tune_config=TuneConfig(
                search_alg=BrokerSearcher(broker),
                scheduler=BrokerScheduler(broker),
                num_samples=-1,
                # So that no trial is asked for before there is room to run it.
                max_concurrent_trials=most if wanted == "auto" else min(most, wanted),
                reuse_actors=True,
                trial_name_creator=lambda trial: trial.trial_id,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=RunConfig(
                name=broker.home.ray.name,
                storage_path=str(broker.home.path),
                verbose=0,
                callbacks=[attendance],
                stop=Enough(broker, attendance),
                # Trials keep their own checkpoints, which outlive Ray.
                checkpoint_config=CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
                failure_config=FailureConfig(max_failures=broker.sweep.budget.retries),
            ),
        )
        # Not before: relative paths of the sweep start in the current folder.
        with standing_in(broker.home.path):
            tuner.fit()


def _auto_gpus(broker: TrialBroker, cluster: dict[str, float]) -> float:
    """The share of a GPU where the sweep file leaves it open."""
    if broker.sweep.resources.gpus != "auto":
        return 0.0
    return auto_share(broker.sweep, broker.home, cluster, broker.progress.say, lambda: broker.stopping)
