#!/usr/bin/env bash
# A sweep on Slurm: a Ray cluster for the length of the allocation, one Ray node on each machine.
#   sbatch launch/slurm.sh search_spaces/pan.yaml /shared/sweeps/pan [more of what `nemesis-sweep run` takes]
# The folder must be on a file system that all machines share. Submit the same line again to continue.
#SBATCH --job-name=nemesis-sweep
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-node=1
#SBATCH --time=12:00:00
# Two minutes before the end the sweep is told to stop, so that it ends in good order.
#SBATCH --signal=B:TERM@120
set -euo pipefail

if (($# < 2)); then
    echo "usage: sbatch $0 FILE HOME [options of nemesis-sweep run]" >&2
    exit 2
fi
file=$1 home=$2
shift 2

# The environment that nemesis-sweep is installed in; sbatch passes on the one you submit from.
# source /path/to/venv/bin/activate

port=${RAY_PORT:-$((20000 + SLURM_JOB_ID % 20000))}
cpus=${SLURM_CPUS_PER_TASK:-1}
gpus=${SLURM_GPUS_ON_NODE:-0}
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
# Several jobs of one user may share a machine: a folder of their own keeps their clusters apart. Short, since
# Ray puts sockets there.
folder=/tmp/ray-$SLURM_JOB_ID
# Without a token, whoever reaches a port of the cluster could run commands in it.
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN
steps=()

# `ray start --block` lives as long as its step does.
start_node() {
    local node=$1
    shift
    srun --nodes=1 --ntasks=1 --cpus-per-task="$cpus" --nodelist="$node" --overlap \
        ray start --block --num-cpus="$cpus" --num-gpus="$gpus" --disable-usage-stats "$@" &
    steps+=($!)
}

finish() {
    kill "${steps[@]}" 2>/dev/null || true
    wait "${steps[@]}" 2>/dev/null || true
}
trap finish EXIT

# Wait until so many nodes have joined, at most five minutes.
wait_for() {
    python - "$1" <<'PYTHON'
import sys, time, ray

deadline = time.monotonic() + 300
while True:
    try:
        ray.init(address="auto", logging_level="error", log_to_driver=False)
        there = sum(node["Alive"] for node in ray.nodes())
        ray.shutdown()
    except ConnectionError:
        there = 0
    if there >= int(sys.argv[1]):
        break
    if time.monotonic() > deadline:
        sys.exit(f"only {there} of {sys.argv[1]} nodes joined the cluster")
    time.sleep(2)
PYTHON
}

start_node "$head" --head --port="$port" --temp-dir="$folder" --include-dashboard=false
export RAY_ADDRESS=$head:$port
wait_for 1
for node in "${nodes[@]:1}"; do
    start_node "$node" --address="$RAY_ADDRESS"
done
# A sweep plans with the nodes that are there when it starts.
wait_for "${#nodes[@]}"

# In the background, so that the signal before the end is passed on at once.
nemesis-sweep run "$file" --home "$home" "$@" &
sweep=$!
told=
trap 'told=yes; kill -TERM "$sweep" 2>/dev/null || true' INT TERM
code=0
wait "$sweep" || code=$?
if [[ -n $told ]]; then
    # The signal ended the first wait, not the sweep.
    code=0
    wait "$sweep" || code=$?
fi
exit "$code"
