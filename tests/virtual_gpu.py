"""A GPU that is none: tensors that say they are on another device ("meta") and hold real CPU numbers.

Control flow, autograd and the backward passes written by hand run as on a GPU. Every operation on such a
tensor is seen by a dispatch mode, which notes

 - operations on tensors of two devices (a number without axes may be on the CPU, as on CUDA),
 - everything for which the host would wait: values that are read, copies between the two, shapes that depend
   on values. A copy to the device with ``non_blocking`` is no wait.

Numbers are those of the CPU, so results can be compared with it bit for bit. Kernels, their order of adding
up and what CUDA itself refuses are not seen: tests marked `gpu` are for that.
"""

import sys
from collections import Counter
from functools import cache
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode

DEVICE = torch.device("meta")
READS = {"_local_scalar_dense", "equal"}
SHAPED_BY_VALUES = {"nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive", "bincount"}
INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_"}
ONE_DEVICE = ("index", "gather", "scatter", "bmm", "mm")
"""Operations that take no number from the CPU either."""


class OnDevice(torch.Tensor):
    """A tensor on the virtual GPU."""

    @staticmethod
    def __new__(cls, inner):
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=DEVICE,
            requires_grad=False,
        )
        made.inner = inner
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        assert VirtualGPU.current is not None, f"{func} outside of the virtual GPU"
        return VirtualGPU.current.run(func, args, kwargs or {})

    def tolist(self):
        VirtualGPU.current.waited("list of values", self)
        return self.inner.tolist()

    def __repr__(self):
        return f"OnDevice({tuple(self.shape)}, {self.dtype})"


class VirtualGPU(TorchDispatchMode):
    """While it is entered, ``device="meta"`` is the virtual GPU.

    waits, faults: where the host waited, and where tensors of two devices met, with how often.
    """

    current = None

    def __init__(self):
        super().__init__()
        self.forget()

    def forget(self):
        self.waits = Counter()
        self.faults = Counter()

    def __enter__(self):
        VirtualGPU.current = self
        return super().__enter__()

    def __exit__(self, *raised):
        VirtualGPU.current = None
        return super().__exit__(*raised)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return self.run(func, args, kwargs or {})

    def run(self, func, args, kwargs):
        given = _leaves((args, kwargs))
        here = [x for x in given if isinstance(x, torch.Tensor) and not isinstance(x, OnDevice)]
        there = [x for x in given if isinstance(x, OnDevice)]
        asked = kwargs.get("device")
        to_device = bool(there) if asked is None else torch.device(asked).type == DEVICE.type
        if not there and not to_device:
            return func(*args, **kwargs)
        name = func._schema.name.split("::")[1]
        if name in ("_to_copy", "copy_"):
            self._copied(name, args, kwargs, here, there, to_device)
        elif there and to_device:
            self._checked(name, args, here, there)
        out = func(*_each(_on_cpu, args), **_each(_on_cpu, kwargs))
        return self._wrapped(func, args, kwargs, out, to_device)

    def waited(self, why, tensor):
        self.waits[f"{why}, {tuple(tensor.shape)}, {_place()}"] += 1

    def _copied(self, name, args, kwargs, here, there, to_device):
        blocking = not (kwargs.get("non_blocking") or (name == "copy_" and len(args) > 2 and args[2]))
        into_host = not to_device if name == "_to_copy" else not isinstance(args[0], OnDevice)
        if here and not into_host and blocking:
            self.waited("copied to the device", here[-1])
        if there and into_host:
            self.waited("copied from the device", there[0])
            if not blocking:
                self.faults[f"read before it is there, {_place()}"] += 1

    def _checked(self, name, args, here, there):
        for x in here:
            if x.ndim == 0 and not name.startswith(ONE_DEVICE):
                continue
            if name in INDEXED:
                self.waited("indexed from the host", x)
            else:
                self.faults[f"{name} of two devices, {tuple(x.shape)}, {_place()}"] += 1
        if name in READS:
            self.waited("value read", there[0])
        by_flags = name in INDEXED and any(
            isinstance(x, OnDevice) and x.dtype == torch.bool for x in _leaves(args[1])
        )
        if by_flags or name in SHAPED_BY_VALUES or (name == "repeat_interleave" and len(there) > 1):
            self.waited("shape that depends on values", there[0])

    def _wrapped(self, func, args, kwargs, out, to_device):
        """Results as tensors on the device; those written in place are the very ones that were given."""
        writes, returns = _aliases(func)
        written = {
            alias: args[position] if position < len(args) else kwargs.get(name)
            for position, name, aliases in writes
            for alias in aliases
        }
        number = -1

        def wrapped(result):
            nonlocal number
            number += 1
            if number < len(returns) and returns[number]:
                return next(written[alias] for alias in returns[number] if alias in written)
            return OnDevice(result) if to_device and isinstance(result, torch.Tensor) else result

        return _each(wrapped, out)


@cache
def _aliases(func):
    """Arguments that an operation writes to, each with its position, name and aliases, and of each result the
    aliases if it is such an argument. torch takes long to tell."""
    written = [
        (position, argument.name, set(argument.alias_info.before_set))
        for position, argument in enumerate(func._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    ]
    given_back = [
        set(result.alias_info.before_set)
        if result.alias_info is not None and result.alias_info.is_write
        else set()
        for result in func._schema.returns
    ]
    return written, given_back


def _leaves(value):
    """What is in lists, tuples and dictionaries. torch's own function for it takes most of a test's time."""
    if isinstance(value, (tuple, list)):
        return [leaf for each in value for leaf in _leaves(each)]
    return _leaves(list(value.values())) if isinstance(value, dict) else [value]


def _each(made, value):
    """The same lists, tuples and dictionaries of what is made of each leaf."""
    if isinstance(value, (tuple, list)):
        return type(value)(_each(made, each) for each in value)
    if isinstance(value, dict):
        return {key: _each(made, each) for key, each in value.items()}
    return made(value)


def _on_cpu(value):
    return torch.device("cpu") if isinstance(value, torch.device) else plain(value)


def plain(value):
    """The CPU tensor in a tensor of the virtual GPU."""
    return value.inner if isinstance(value, OnDevice) else value


def _place():
    """Where in this package, or in torch's optimisers, that was."""
    frame = sys._getframe()
    while frame is not None:
        name = frame.f_code.co_filename
        if "/nemesis_sweep/" in name or "torch/optim" in name:
            return f"{Path(name).parent.name}/{Path(name).name}:{frame.f_lineno}"
        frame = frame.f_back
    return "outside"
