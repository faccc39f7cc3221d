"""Parts from outside as a user writes them, without torch: kinds of prompts as entries, and an annealing."""

KINDS = """
from typing import Annotated, Literal

from pydantic import Field

import nemesis_sweep as ns


class DepthFields(ns.ContextFields):
    depth: ns.Count = 2
    pull: Annotated[float, Field(ge=0)] = 0.5
    side: Literal["left", "right"] = "left"


class TextFields(ns.Fields):
    depth: ns.Count = 2


class OtherDepth(ns.Fields):
    depth: float = 0.5


class Longer(ns.ContextFields):
    n_ctx: ns.Count = 4


class Taken(ns.Fields):
    kinds: int = 1


class Measured(ns.Fields):
    seconds: float = 1.0


class Needed(ns.Fields):
    depth: int


Deep = ns.Kind("own_impl:Deep", "deep prompts", DepthFields, transfers=False)
Texts = ns.Kind("own_impl:Texts", "texts", TextFields)
Other = ns.Kind("own_impl:Other", "another depth", OtherDepth)
Long = ns.Kind("own_impl:Long", "another default", Longer)
Need = ns.Kind("own_impl:Need", "a field without a default", Needed)
Take = ns.Kind("own_impl:Take", "a name that is taken", Taken)
Measure = ns.Kind("own_impl:Measure", "the name of a metric", Measured)
Odd = ns.Kind("own_impl:Odd", "fields that are none", dict)


def halves(epoch, epochs):
    return 1.0 if epoch < epochs / 2 else 0.0


def words(epoch, epochs):
    return "much"


def one(epoch):
    return 1.0
"""
