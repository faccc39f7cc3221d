"""One sweep over all kinds of prompts, run to its end in this process, on few shots and from base to new."""

import json

import pytest

from nemesis_sweep.prompts.artifact import load_prompt
from nemesis_sweep.report.results import read_results
from nemesis_sweep.spec.prompts import PROMPTS
from tests.trained_home import verb

SWEEP = """
name: kinds
tasks: {{dataset: digits, shots: 1, replicates: 2, protocol: {protocol}}}
method: {{omega: 1, beta: 0, epochs: 1, views: 1, n_ctx: 2, batch: 8}}
space:
  prompt: {{choices: [{kinds}]}}
search: {{sampler: grid, pruner: none, baselines: [zero_shot, coop, control]}}
budget: {{trials: {count}}}
"""


@pytest.mark.parametrize("protocol", ["few_shot", "base_to_new"])
def test_all_kinds_are_trained_tested_and_kept(tmp_path, monkeypatch, protocol):
    file, home = tmp_path / "kinds.yaml", tmp_path / "home"
    text = SWEEP.format(protocol=protocol, kinds=", ".join(PROMPTS), count=len(PROMPTS))
    file.write_text(text, encoding="utf-8")
    told = verb(monkeypatch, "run", file, "--home", home)
    assert told.exit_code == 0, told.output
    rows = [row for row in read_results(home) if row.number.isdigit()]
    assert {row.config["prompt"] for row in rows} == set(PROMPTS)
    assert all(row.state == "COMPLETE" and row.metrics["test/accuracy"] >= 0 for row in rows)
    for row in rows:
        (folder,) = home.glob(f"trials/*/{row.number}")
        assert load_prompt(folder).kind == row.config["prompt"]
    (coop,) = home.glob("trials/*/coop/result.json")
    assert json.loads(coop.read_text(encoding="utf-8"))["config"]["prompt"] == "coop"
