"""The formula against torch's own count of the products that are really made."""

from __future__ import annotations

import pytest
from torch.utils.flop_counter import FlopCounterMode

from nemesis_sweep.bench.flops import step_flops
from nemesis_sweep.bench.our_implementation import OurImplementation
from nemesis_sweep.bench.workload import Setting, make_workload


@pytest.mark.parametrize(
    "setting",
    [
        Setting("tiny", classes=24, n_ctx=6, batch=4, pan=0),
        Setting("tiny", classes=24, n_ctx=6, batch=4, pan=2, replicates=2),
        Setting("tiny", classes=30, n_ctx=6, batch=4, pan=0, names="imagenet-like"),
    ],
    ids=["CoOp", "PAN", "uneven names"],
)
def test_what_counts_is_what_is_computed_but_for_padding_and_masks(setting, tiny_backbone):
    workload = make_workload(setting, tiny_backbone)
    implementation, positions = OurImplementation(workload), workload.positions(0)
    implementation.step(positions)
    with FlopCounterMode(display=False) as counter:
        implementation.step(positions)
    needed, made = step_flops(workload, positions), counter.get_total_flops()
    assert 0.75 * made < needed < 1.01 * made


def test_twice_the_classes_need_about_twice_the_operations(tiny_backbone):
    few, many = (
        make_workload(Setting("tiny", classes=classes, n_ctx=6, batch=4, pan=0), tiny_backbone)
        for classes in (40, 80)
    )
    once, twice = (step_flops(workload, workload.positions(0)) for workload in (few, many))
    assert twice == pytest.approx(2 * once, rel=0.1)
