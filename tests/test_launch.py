"""The files in launch/ are what Ray, Kubernetes and Slurm take, and the commands in them are ours."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from nemesis_sweep.cli import main

ROOT = Path(__file__).parents[1]
LAUNCH = ROOT / "launch"
CONSTRAINTS = dict(
    line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
)
IMAGE = f"rayproject/ray:{CONSTRAINTS['ray']}-py311-gpu"


def load(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((LAUNCH / name).read_text()))


def parsed(command: str) -> dict[str, Any]:
    """The parameters of a nemesis-sweep command as click reads them; nothing is run."""
    program, verb, *words = shlex.split(command, comments=True)
    assert program == "nemesis-sweep"
    context = click.Context(main)
    found = main.get_command(context, verb)
    assert found is not None
    return found.make_context(verb, words, parent=context).params


@pytest.fixture(scope="module")
def cluster() -> dict[str, Any]:
    (document,) = load("cluster.yaml")
    return document


def test_the_cluster_launcher_takes_the_file(cluster):
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(dict(cluster))
    validate_config(prepared)
    assert prepared["available_node_types"]["gpu_worker"]["max_workers"] == 8


def test_rays_schema_would_notice_a_mistake(cluster):
    from ray.autoscaler._private.util import validate_config

    with pytest.raises(Exception, match="setup_comands"):
        validate_config({**cluster, "setup_comands": []})


def test_the_cluster_scales_gpu_workers_and_installs_this_checkout(cluster):
    workers = cluster["available_node_types"]["gpu_worker"]
    assert workers["resources"]["GPU"] == 1
    assert 0 < workers["min_workers"] < workers["max_workers"] <= cluster["max_workers"]
    assert cluster["docker"]["image"] == IMAGE
    (there,) = cluster["file_mounts"]
    assert cluster["file_mounts"][there] == "."
    (install,) = cluster["setup_commands"]
    assert install.endswith(f"--constraint {there}/constraints.txt {there}")
    assert any("mount -t nfs4" in line and "/shared" in line for line in cluster["initialization_commands"])
    assert "-v /shared:/shared" in cluster["docker"]["run_options"]


@pytest.fixture(scope="module")
def claim_and_job() -> tuple[dict[str, Any], dict[str, Any]]:
    claim, job = load("kuberay.yaml")
    return claim, job


def pods(job: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


def test_the_ray_job_hangs_together(claim_and_job):
    claim, job = claim_and_job
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == CONSTRAINTS["ray"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    command = parsed(job["spec"]["entrypoint"])
    for pod in pods(job):
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        (container,) = pod["containers"]
        mounted = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
        assert mounted["/shared"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        assert command["home"].is_relative_to("/shared")
        assert "configMap" in mounted[str(command["file"].parent)]
        assert container["resources"]["limits"].items() >= container["resources"]["requests"].items()
    assert pods(job)[1]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


@pytest.mark.skipif("KUBERAY_CRDS" not in os.environ, reason="KUBERAY_CRDS names no folder of KubeRay's CRDs")
def test_the_ray_job_fits_kuberays_own_schema(claim_and_job):
    """Strictly: a field that the schema does not know is a mistake, though Kubernetes would only drop it."""
    import jsonschema

    (path,) = Path(os.environ["KUBERAY_CRDS"]).glob("*rayjobs*.yaml")
    definition = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    (version,) = [v for v in definition["spec"]["versions"] if v["name"] == "v1"]
    validator = jsonschema.Draft7Validator(closed(version["schema"]["openAPIV3Schema"]))
    _, job = claim_and_job
    assert list(validator.iter_errors(job)) == []
    mistaken = json.loads(json.dumps(job))
    mistaken["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["minReplica"] = 2
    assert len(list(validator.iter_errors(mistaken))) == 1


def closed(schema: Any) -> Any:
    """A schema that allows no other fields than those that it names."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    is_object = isinstance(inner.get("properties"), dict) and inner.get("type") == "object"
    if is_object and "x-kubernetes-preserve-unknown-fields" not in inner and inner["properties"]:
        inner.setdefault("additionalProperties", False)
    return inner


def test_the_image_is_the_tested_ray_with_this_checkout():
    lines = (LAUNCH / "Dockerfile").read_text().splitlines()
    assert f"FROM {IMAGE}" in lines
    assert lines[-1].endswith("constraints.txt /home/ray/nemesis-sweep")


def shell_lines(text: str) -> Iterator[str]:
    for block in re.findall(r"^ *```sh\n(.*?)```", text, re.DOTALL | re.MULTILINE):
        yield from (line.strip() for line in block.splitlines() if line.strip())


@pytest.mark.parametrize("line", list(shell_lines((LAUNCH / "README.md").read_text())))
def test_commands_of_the_readme_are_ones_that_exist(line):
    program, *words = shlex.split(line, comments=True)
    if program == "nemesis-sweep":
        parsed(line)
    for word in words:
        if word.startswith(("launch/", "search_spaces/")):
            assert (ROOT / word).exists(), word
    assert program in ("nemesis-sweep", "ray", "mlflow", "sbatch", "kubectl")


def test_the_slurm_script_is_bash():
    checked = subprocess.run(["bash", "-n", LAUNCH / "slurm.sh"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert os.access(LAUNCH / "slurm.sh", os.X_OK)


def test_the_slurm_script_tells_how_it_is_used():
    asked = subprocess.run(["bash", LAUNCH / "slurm.sh"], capture_output=True, text=True, check=False)
    assert asked.returncode == 2
    assert "usage: sbatch" in asked.stderr
