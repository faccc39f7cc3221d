"""`nemesis-sweep bench step`, from outside and from inside, on settings that take a moment."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
import torch
from click.testing import CliRunner, Result

from nemesis_sweep.bench import timing
from nemesis_sweep.bench.memory import peak_bytes
from nemesis_sweep.bench.step import measure_step
from nemesis_sweep.bench.tables import STEP_HEADER, step_lines, step_row
from nemesis_sweep.bench.workload import Setting
from nemesis_sweep.cli import main
from nemesis_sweep.messages.errors import UserError
from tests.virtual_gpu import DEVICE, VirtualGPU

SMALL = ["--arch", "icon-clip", "--classes", "6", "--n-ctx", "4", "--batch", "3", "--repeats", "3"]


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["bench", *arguments])


@pytest.mark.slow
def test_one_json_object_with_figures_that_agree_with_each_other():
    result = bench("step", *SMALL, "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    public, plain, ours = (figures[f"{name}_seconds"] for name in ("public", "plain", "ours"))
    assert min(public, plain, ours) > 0
    assert figures["public_over_ours"] == pytest.approx(public / ours)
    assert figures["plain_over_ours"] == pytest.approx(plain / ours)
    assert 0 < figures["peak_share"] < 1
    assert figures["peak_flops_per_second"] > 1e9
    assert 0 < figures["max_gradient_difference"] < 1e-4
    assert figures["max_loss_difference"] < 1e-5
    assert figures["same_selection"] is True
    peaks = {name: figures[f"{name}_peak_bytes"] for name in ("public", "plain", "ours")}
    assert all(0 < peak < 2**30 for peak in peaks.values())
    assert figures["plain_over_ours_memory"] == pytest.approx(peaks["plain"] / peaks["ours"])
    assert figures["setting"] == asdict(Setting("icon-clip", classes=6, n_ctx=4, batch=3, repeats=3)) | {
        "skip": []
    }
    assert figures["machine"]["cores"] >= 1


def test_plain_coop_with_replicates_and_both_baselines_left_out():
    options = "--pan 0 --replicates 2 --skip public --skip plain --no-memory --json"
    result = bench("step", *SMALL, *options.split())
    figures = json.loads(result.stdout)
    assert figures["ours_seconds"] > 0
    left_out = ("public_seconds", "plain_seconds", "public_over_ours", "max_gradient_difference")
    assert [figures[key] for key in left_out] == [None] * 4


def test_without_the_plain_path_gradients_are_compared_with_the_public_way():
    setting = Setting("icon-clip", classes=6, n_ctx=4, batch=3, pan=2, repeats=1, skip=("plain",))
    figures = measure_step(setting, lambda line: None, memory=False)
    assert figures["plain_seconds"] is None
    assert 0 < figures["max_gradient_difference"] < 1e-4


@pytest.mark.parametrize(("prompt", "last"), [("vpt", 0), ("vpt", 2), ("maple", 2), ("promptsrc", 2)])
def test_visual_prompts_against_the_whole_tower_from_pixels(prompt, last, tiny_vit):
    setting = Setting(str(tiny_vit), classes=6, n_ctx=4, batch=3, pan=2, repeats=2, prompt=prompt, last=last)
    figures = measure_step(setting, lambda line: None, memory=False)
    assert figures["public_seconds"] is None and figures["plain_seconds"] > 0
    assert figures["same_selection"] is True
    assert 0 < figures["max_gradient_difference"] < 1e-4
    text = step_lines(figures)
    assert "plain, from pixels" in text and (f"{prompt} last 2, PAN 2" if last else "vpt, PAN 2") in text


def test_half_precision_differs_by_rounding_and_is_said_to():
    setting = Setting("icon-clip", classes=6, n_ctx=4, batch=3, pan=0, repeats=1, precision="bf16")
    figures = measure_step(setting, lambda line: None, memory=False)
    assert 1e-5 < figures["max_gradient_difference"] < 0.2


def test_text_and_markdown_show_the_figures():
    setting = Setting("icon-clip", classes=6, n_ctx=4, batch=3, repeats=1)
    figures = measure_step(setting, lambda line: None, memory=False)
    text, row = step_lines(figures), step_row(figures)
    assert "icon-clip, 6 classes (short), n_ctx 4, batch 3, PAN 1, fp32" in text
    assert f"{figures['plain_over_ours']:.1f}x" in text
    assert len(row) == len(STEP_HEADER)
    assert row[3] == f"{figures['ours_seconds']:.3f}"
    assert row[7] == "-"


@pytest.mark.parametrize("prompt", ["coop", "kgcoop", "cocoop", "prefix"])
def test_all_is_computed_on_the_device_that_is_named(prompt):
    """On a virtual GPU; its memory is not measured, and a GPU that is not there is refused."""
    setting = Setting("icon-clip", classes=5, n_ctx=4, batch=2, repeats=1, prompt=prompt)
    there = replace(setting, device=str(DEVICE))
    with VirtualGPU() as gpu:
        figures = measure_step(there, lambda line: None)
        assert not gpu.faults
        assert gpu.waits.total() > 0
    assert figures["same_selection"] is True
    assert figures["max_gradient_difference"] < 1e-4
    assert figures["ours_peak_bytes"] is None
    assert ", on meta" in step_lines(figures)
    assert ", on" not in step_lines(measure_step(setting, lambda line: None, memory=False)).splitlines()[0]


def test_the_clock_is_stopped_when_the_device_is_done(monkeypatch):
    waited = []
    monkeypatch.setattr(timing, "synchronise", waited.append)
    setting = Setting("icon-clip", classes=5, n_ctx=4, batch=2, repeats=2, skip=("public", "plain"))
    measure_step(setting, lambda line: None, memory=False)
    # Before and after each of the steps, the first of which does not count.
    assert waited == [torch.device("cpu")] * 6


def test_a_device_that_is_not_there_is_refused():
    result = bench("step", *SMALL, "--device", "vulkan")
    assert result.exit_code == 2
    assert "device: torch finds no such device on this machine; found 'vulkan'" in result.stderr


@pytest.mark.slow
def test_memory_grows_with_the_prompts():
    """The plain path keeps every token of every class; a process of its own tells how much."""
    few, many = (
        peak_bytes(Setting("icon-clip", classes=classes, n_ctx=4, batch=2, pan=0), "plain")
        for classes in (10, 60)
    )
    # At least the 4 layers' MLP activations in fp32, of 50 more classes.
    assert many - few > 50 * 77 * 4 * 4 * 128 * 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--arch", "ViT-B-17"], "unknown backbone; found 'ViT-B-17'"),
        (["--arch", "icon-clip", "--pan", "5", "--n-ctx", "4"], "more positions than context vectors"),
        (["--arch", "icon-clip", "--n-ctx", "80"], "do not fit the text tower with n_ctx 80"),
        (["--arch", "icon-clip", "--names", "imagenet-like", "--classes", "2000"], "allowed: 1 to 1000"),
        (["--precision", "fp8"], "fp8"),
        (["--skip", "ours"], "ours"),
    ],
)
def test_bad_input_ends_with_2_and_says_what_is_wrong(arguments, words):
    result = bench("step", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""


@pytest.mark.slow
def test_a_failed_memory_measurement_says_why():
    with pytest.raises(UserError, match=r"plain way could not be measured.*unknown backbone"):
        peak_bytes(Setting("no-such-arch"), "plain")


def test_what_needs_more_memory_than_there_is_leaves_the_times(monkeypatch):
    """The plain path of CoCoOp at 100 classes is killed on a machine of 24 GiB."""

    def killed(setting: Setting, name: str) -> int:
        if name == "plain":
            raise UserError("the memory of the plain way could not be measured: ended with -9")
        return 7

    monkeypatch.setattr("nemesis_sweep.bench.step.peak_bytes", killed)
    setting = Setting("icon-clip", classes=4, n_ctx=4, batch=3, repeats=1, skip=("public",))
    said: list[str] = []
    figures = measure_step(setting, said.append)
    assert (figures["plain_peak_bytes"], figures["ours_peak_bytes"]) == (None, 7)
    assert figures["plain_over_ours"] > 0 and said[-2].endswith("ended with -9")
