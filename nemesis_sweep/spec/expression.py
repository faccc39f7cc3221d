"""Conditions over parameters and metrics, such as `norm/mean <= 3`: read and computed, never run as code.

Python's parser only splits the text; what is computed is built from the nodes named here, from nothing else.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import nearest
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.metrics import MEASURED
from nemesis_sweep.spec.owned import owners_of, tables
from nemesis_sweep.spec.space import range_of
from nemesis_sweep.spec.values import Values

Number = Callable[[Values], float]

LONGEST = 300
BROKEN = 1.0
LARGEST = 1e9
FORMS = "numbers, names, + - * / **, comparisons, and, or, not, min, max, abs, log, exp"

# Words with slashes between them, quoted texts aside; before a number or a bracket a slash divides.
SLASHED = re.compile(r"""'[^']*'|"[^"]*"|[A-Za-z_]\w*(?:/[A-Za-z_]\w*)+""")
FUNCTIONS: dict[str, tuple[Callable[..., float], int]] = {
    "min": (min, 2),
    "max": (max, 2),
    "abs": (abs, 1),
    "log": (math.log, 1),
    "exp": (math.exp, 1),
}
"""Functions and how many arguments they take; min and max take more, too."""

ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    # Not `**`, which makes complex numbers of negative ones.
    ast.Pow: math.pow,
}


class ConditionError(Exception):
    """A text that is no condition: what is wrong with it, what is allowed, and the name it may have meant."""

    def __init__(self, message: str, allowed: str = FORMS, near: str = "") -> None:
        super().__init__(message)
        self.message, self.allowed, self.near = message, allowed, near


@dataclass(frozen=True)
class Condition:
    """A condition that a trial keeps or breaks.

    parameters: the method's fields in it. metrics: what has to be measured before it can be judged.
    """

    text: str
    parameters: frozenset[str]
    metrics: frozenset[str]
    _compute: Number = field(compare=False)

    def excess(self, values: Values) -> float:
        """Return how far the condition is from being kept: at most 0 where it is, above 0 where it is broken.

        values: the method's fields and the metrics, by name. For `a <= b` this is a - b, as Optuna wants
        constraints. What cannot be computed (a division by zero, a metric that is not there) is broken.
        """
        try:
            found = self._compute(values)
        except (ArithmeticError, ValueError, KeyError, TypeError):
            return BROKEN
        return BROKEN if math.isnan(found) else max(-LARGEST, min(LARGEST, found))

    def kept(self, values: Values) -> bool:
        """Tell whether the condition holds."""
        return self.excess(values) <= 0


@lru_cache(maxsize=256)
def parse_condition(text: str, method: type[Method] = Method) -> Condition:
    """Return the condition that a text says over the fields of a method. Raises `ConditionError` for none."""
    if len(text) > LONGEST:
        raise ConditionError("too long for a constraint", f"at most {LONGEST} characters")
    reader = _Reader(method)
    # A slashed name becomes one word, so that `2 * val/accuracy` does not divide the product.
    plain = SLASHED.sub(reader.hide, text.strip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(plain, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ConditionError("not an expression") from None
    compute = reader.condition(tree.body)
    if method is not Method:
        # A trial has no fields of other kinds of prompts from outside.
        own = {name: each.default for name, each in method.model_fields.items()}
        compute = partial(_with_defaults, compute, own)
    return Condition(text, frozenset(reader.parameters), frozenset(reader.metrics), compute)


def metrics_in(text: str) -> list[str]:
    """Return the metrics that a valid condition speaks of."""
    words = {match.group() for match in re.finditer(r"[\w/]+", text)}
    return [name for name in sorted(MEASURED) if name in words]


class _Reader:
    """Turns the nodes of one expression into functions of the values of a trial."""

    def __init__(self, method: type[Method]) -> None:
        self.fields = method.model_fields
        self.method = method
        self.hidden: dict[str, str] = {}
        self.parameters: set[str] = set()
        self.metrics: set[str] = set()
        self.turned = False

    def hide(self, match: re.Match[str]) -> str:
        """Replace a name with slashes by a plain word, unless it is a division of parameters."""
        name = match.group()
        known = {*self.fields, *FUNCTIONS, *MEASURED}
        quoted = name[0] in "'\""
        if quoted or (name not in MEASURED and all(part in known for part in name.split("/"))):
            return name
        word = f"slashed_{len(self.hidden)}"
        self.hidden[word] = name
        return word

    def condition(self, node: ast.expr) -> Number:
        """Return the excess of something that is true or false."""
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = [self.condition(value) for value in values]
                return partial(_fold, max if isinstance(op, ast.And) else min, parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.turned = not self.turned
                inner = self.condition(operand)
                self.turned = not self.turned
                return lambda values: _negated(inner(values))
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [left, *others]
                pairs = [self._pair(op, sides[n], sides[n + 1]) for n, op in enumerate(ops)]
                return self._where_it_applies(node, partial(_fold, max, pairs))
            case ast.Name() if self.fields.get(name := self._name(node)) is not None:
                if self.fields[name].annotation is bool:
                    self.parameters.add(name)
                    return self._where_it_applies(node, lambda values: -BROKEN if values[name] else BROKEN)
        raise ConditionError("no condition, only a value", "a comparison, such as norm/mean <= 3")

    def _where_it_applies(self, node: ast.expr, compute: Number) -> Number:
        """The same for trials that have all its fields; what another kind of prompt, optimiser or annealing
        has is kept, so that its default, or none, excludes no trial."""
        written = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        kinds, names = self.method.kinds, {self.hidden.get(name, name) for name in written}
        owned = [
            (of, frozenset(own), frozenset(tables(kinds)[of]))
            for name in names
            for of, own in owners_of(name, kinds).items()
        ]
        kept = BROKEN if self.turned else -BROKEN

        def computed(values: Values) -> float:
            idle = any(values.get(of) in known - own for of, own, known in owned)
            return kept if idle else compute(values)

        return computed if owned else compute

    def _pair(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> Number:
        if self._is_text(left) or self._is_text(right):
            return self._texts(op, left, right)
        a, b = self._number(left), self._number(right)
        match op:
            case ast.LtE():
                return lambda values: a(values) - b(values)
            case ast.GtE():
                return lambda values: b(values) - a(values)
            case ast.Lt():
                return lambda values: _negated(b(values) - a(values))
            case ast.Gt():
                return lambda values: _negated(a(values) - b(values))
            case ast.Eq():
                return lambda values: abs(a(values) - b(values))
            case ast.NotEq():
                return lambda values: _negated(abs(a(values) - b(values)))
        raise ConditionError("a comparison that is not supported", "<, <=, >, >=, ==, !=")

    def _texts(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> Number:
        if not isinstance(op, ast.Eq | ast.NotEq) or not (self._is_text(left) and self._is_text(right)):
            raise ConditionError("a text can only be compared with a text", '==, !=, such as norm != "inf"')
        a, b = self._text(left), self._text(right)
        same = isinstance(op, ast.Eq)
        return lambda values: -BROKEN if (a(values) == b(values)) == same else BROKEN

    def _is_text(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            name = self._name(node)
            kept = self.fields.get(name)
            return kept is not None and kept.annotation is not bool and range_of(name, self.method) is None
        return isinstance(node, ast.Constant) and isinstance(node.value, str)

    def _text(self, node: ast.expr) -> Callable[[Values], Any]:
        if isinstance(node, ast.Constant):
            value = node.value
            return lambda values: value
        name = self._name(node)
        self.parameters.add(name)
        return lambda values: values[name]

    def _number(self, node: ast.expr) -> Number:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return partial(_constant, _as_float(value))
            case ast.Name():
                return self._named(self._name(node))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
                inner, sign = self._number(operand), -1.0 if isinstance(op, ast.USub) else 1.0
                return lambda values: sign * inner(values)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in ARITHMETIC:
                a, b, combine = self._number(left), self._number(right), ARITHMETIC[type(operator)]
                return lambda values: combine(a(values), b(values))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
                return self._call(name, args)
        raise ConditionError(f"{self._shown(node)} is no number and makes none")

    def _call(self, name: str, args: list[ast.expr]) -> Number:
        function, count = FUNCTIONS[name]
        if len(args) < count or (len(args) > count and count == 1):
            allowed = f"{name} of {'two or more values' if count > 1 else 'one value'}"
            raise ConditionError(f"{name} of {counted(len(args), 'value')}", allowed)
        inner = [self._number(arg) for arg in args]
        return lambda values: function(*(part(values) for part in inner))

    def _named(self, name: str) -> Number:
        if name in MEASURED:
            self.metrics.add(name)
        elif self.fields[name].annotation is bool:
            raise ConditionError(f"{name} is true or false, not a number", f"{name}, or not {name}")
        else:
            self.parameters.add(name)
        return lambda values: float(values[name])

    def _name(self, node: ast.expr) -> str:
        """Return the name that was written, which has to be one of a parameter or a metric."""
        written = node.id if isinstance(node, ast.Name) else ""
        name = self.hidden.get(written, written)
        if name not in MEASURED and name not in self.fields:
            names = [*MEASURED, *self.fields]
            raise ConditionError(f"unknown name {name}", listed(names), nearest(name, names))
        return name

    def _shown(self, node: ast.expr) -> str:
        text = ast.unparse(node)
        for word, name in self.hidden.items():
            text = text.replace(word, name)
        return text if len(text) <= 40 else f"{text[:36]} ..."


def _with_defaults(compute: Number, defaults: Values, values: Values) -> float:
    return compute({**defaults, **values})


def _constant(value: float, values: Values) -> float:
    return value


def _fold(pick: Callable[..., float], parts: list[Number], values: Values) -> float:
    return pick(part(values) for part in parts)


def _negated(excess: float) -> float:
    """Return the excess of the opposite; Optuna takes 0 for kept, so a tie becomes the smallest break."""
    return -excess if excess != 0 else math.ulp(1.0)


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ConditionError("a number that is too large") from None
