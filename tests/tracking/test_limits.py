from __future__ import annotations

import pytest
from mlflow.exceptions import MlflowException

from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.limits import cut, entity_name, log_together, same_param
from nemesis_sweep.tracking.store import Tracking


def test_cut_marks_what_it_cuts_and_keeps_the_limit() -> None:
    assert cut("x" * 500, 500) == "x" * 500
    short = cut("x" * 501, 500)
    assert len(short) == 500
    assert short.endswith("x ... [cut, 501 characters]")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("val/accuracy", "val/accuracy"),
        ("omega[0]", "omega_0_"),
        ("/a//b/", "a/b"),
        ("../../x", "x"),
        ("..", "_"),
        ("", "_"),
        ("n" * 300, "n" * 250),
    ],
)
def test_names_are_made_acceptable(name: str, expected: str) -> None:
    assert entity_name(name) == expected


def test_anything_can_be_logged_as_parameters(tracking: Tracking) -> None:
    client = connect(tracking.uri)
    run_id = client.create_run(tracking.experiment_id).info.run_id
    many = {f"p{number}": "é" * 7000 for number in range(130)}
    odd = {"words": "a photo\nof", "none": None, "flag": True, "list": [1, "a"], "bad?name": 1, "empty": ""}
    log_together(client, run_id, {**many, **odd})
    stored = client.get_run(run_id).data.params
    assert len(stored) == 136
    assert stored["p129"].endswith("[cut, 7000 characters]")
    assert len(stored["p129"]) == 6000
    assert stored["list"] == '[1, "a"]'
    assert stored["bad_name"] == "1"
    assert same_param(stored["p129"], "é" * 7000)
    assert not same_param(stored["p129"], "é" * 7001)


class OldServer:
    """An MLflow server from before parameters could be longer than 500 characters."""

    def __init__(self) -> None:
        self.stored: dict[str, str] = {}

    def log_batch(self, run_id: str, params: list, **others: object) -> None:
        if any(len(param.value) > 500 for param in params):
            raise MlflowException.invalid_parameter_value("Param value exceeded length 500")
        self.stored.update({param.key: param.value for param in params})


def test_old_servers_get_shorter_values() -> None:
    server = OldServer()
    log_together(server, "run", {"words": "w" * 800, "n_ctx": 16})
    assert server.stored["n_ctx"] == "16"
    assert len(server.stored["words"]) == 500
    assert server.stored["words"].endswith("[cut, 800 characters]")
