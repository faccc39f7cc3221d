"""Dimensions of a search space as other tools write them: W&B, Optuna, Ray Tune, Hydra, NNI."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nemesis_sweep.spec.steps import stepped

Form = dict[str, Any]
CALL = re.compile(r"\s*(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)\s*\((.*)\)\s*", re.DOTALL)
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
NUMBERS = re.compile(rf"\s*{NUMBER}(?:\s*,\s*{NUMBER})+\s*", re.IGNORECASE)
BETWEEN = re.compile(rf"\s*({NUMBER})\s*(?:\.\.\.?|:|-|\bto\b|–)\s*({NUMBER})\s*", re.IGNORECASE)
"""`0.1..10`, `1-5`, `1:5`, `1 to 5`."""
BOUNDS = [
    *(("min", "max"), ("low", "high"), ("lower", "upper"), ("lo", "hi"), ("minimum", "maximum")),
    *(("from", "to"), ("start", "stop"), ("start", "end"), ("begin", "end")),
]
AROUND = ("int", "float", "sort", "shuffle")
"""Hydra's casts and orders, which stand around a dimension."""
NOISE = {"type", "name", "distribution", "_type", "log_scale", "scale"}
"""Keys that say what the others show by themselves."""


def our_form(raw: Any) -> Form | None:
    """Return a dimension of another tool as it is here, such as `{"low": 0.1, "high": 10, "log": True}`.

    None for what is of none, and for what has no counterpart, such as a normal distribution.
    """
    try:
        if isinstance(raw, list):
            return {"choices": raw} if raw else None
        if isinstance(raw, str):
            if between := BETWEEN.fullmatch(raw):
                return _range(*map(ast.literal_eval, between.groups()))
            return {"choices": ast.literal_eval(f"[{raw}]")} if NUMBERS.fullmatch(raw) else _of_call(raw)
        return _of_mapping(raw) if isinstance(raw, dict) else None
    except (ValueError, TypeError, SyntaxError, LookupError, ArithmeticError, RecursionError, MemoryError):
        return None


def _of_mapping(raw: dict[Any, Any]) -> Form | None:
    """W&B's `min`, `max`, `values`, `q`; NNI's `_type`, `_value`; Ax's `bounds`; ours with words too many."""
    kind = str(raw.get("distribution", raw.get("type", raw.get("_type", "")))).casefold()
    keys = set(raw) - NOISE
    if "_value" in raw:
        return _of_name(kind, list(raw["_value"]), {})
    if len(raw) == 1 and (form := _of_key(*next(iter(raw.items())))):
        return form
    if "bounds" in raw:
        low, high = raw["bounds"]
        raw = {**raw, "low": low, "high": high}
        keys = (keys - {"bounds"}) | {"low", "high"}
    if keys <= {"values", "choices", "categories", "options", "probabilities"} and keys:
        return {"choices": list(raw[min(keys - {"probabilities"})])}
    if keys == {"value"}:
        return {"choices": [raw["value"]]}
    bounds = next((pair for pair in BOUNDS if keys >= set(pair)), None)
    if bounds is None or not keys <= {*bounds, "q", "step", "log"} or "normal" in kind:
        return None
    low, high = (raw[name] for name in bounds)
    if "log_uniform" in kind and not kind.endswith("values") and "min" in raw:
        base = 10 if "10" in kind else math.e  # W&B's bounds are exponents there.
        low, high = float(f"{base**low:.6g}"), float(f"{base**high:.6g}")
    log = bool(raw.get("log") or raw.get("log_scale")) or "log" in kind or "log" in str(raw.get("scale", ""))
    return _range(low, high, log=log, step=raw.get("step", raw.get("q")))


def _of_key(name: Any, inside: Any) -> Form | None:
    """`grid_search: [4, 8]`, `suggest_float: {low: 0.1, high: 10}`."""
    named = inside if isinstance(inside, dict) else {}
    if str(name) in ("range", "bounds", "interval") and isinstance(inside, list) and len(inside) == 2:
        return _range(*inside)
    return _of_name(str(name), list(inside) if isinstance(inside, list) else [], named)


def _of_call(text: str) -> Form | None:
    """`tune.loguniform(0.1, 10)`, `choice(1, 2)`, `tag(log, interval(1, 10))`, `range(1, 9, 2)`."""
    found = CALL.fullmatch(text)
    if not found:
        return None
    name, inside = found.group(1).casefold(), found.group(2)
    if name in AROUND:
        return our_form(inside)
    if name == "tag":
        _, _, inner = inside.rpartition(", ") if "(" not in inside else inside.partition(",")
        form = _of_call(inner)
        return (
            _range(form["low"], form["high"], log=True)
            if form and "low" in form and "log" in inside
            else form
        )
    call = ast.parse(f"f({_quoted(inside)})", mode="eval").body
    assert isinstance(call, ast.Call)
    values = [ast.literal_eval(value) for value in call.args]
    named = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
    if values and isinstance(values[0], str) and (name.startswith("suggest_") or re.search(r"\bhp\.", text)):
        values = values[1:]  # The name of the parameter.
    form = _of_name(name, values, named)
    if form and form.get("log") and re.search(r"\bhp\.", text):  # Its bounds are exponents there.
        form |= {key: float(f"{math.exp(form[key]):.6g}") for key in ("low", "high")}
    return form


def _quoted(inside: str) -> str:
    """Bare words in quotes, as YAML and Hydra have them: `choice(end, middle)`."""
    kept = r"(?:True|False|None|inf|nan)\b|\w+\s*=(?!=)"
    texts = r"'[^']*'|\"[^\"]*\""
    pattern = rf"{texts}|{kept}|[-+]?\d[\w.+-]*|([A-Za-z_][\w./-]*)"
    words = {"true": "True", "false": "False", "null": "None"}
    return re.sub(
        pattern, lambda m: words.get(m.group(1), repr(m.group(1))) if m.group(1) else m.group(0), inside
    )


def _of_name(name: str, values: list[Any], named: dict[str, Any]) -> Form | None:
    known: dict[str, Callable[[], Form]] = {
        "choice": lambda: _choices(values, named),
        "grid_search": lambda: _choices(values, named),
        "categorical": lambda: _choices(values, named),
        "suggest_categorical": lambda: _choices(values, named),
        "uniform": lambda: _bounds(values, named),
        "interval": lambda: _bounds(values, named),
        "quniform": lambda: _bounds(values, named, step=True),
        "loguniform": lambda: _bounds(values, named, log=True),
        "qloguniform": lambda: _bounds(values[:2], named, log=True),
        "randint": lambda: _whole(values, named),
        "qrandint": lambda: _bounds(values, named, step=True),
        "lograndint": lambda: {**_whole(values, named), "log": True},
        "range": lambda: _whole(values, named, step=True),
        "suggest_float": lambda: _bounds(values, named),
        "suggest_uniform": lambda: _bounds(values, named),
        "suggest_loguniform": lambda: _bounds(values, named, log=True),
        "suggest_int": lambda: _bounds(values, named),
        "floatdistribution": lambda: _bounds(values, named),
        "intdistribution": lambda: _bounds(values, named),
        "categoricaldistribution": lambda: _choices(values, named),
    }
    return known[name]() if name in known else None


def _choices(values: list[Any], named: dict[str, Any]) -> Form:
    values = values or list(named.values())
    inner = values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values
    return {"choices": list(inner)}


def _bounds(values: list[Any], named: dict[str, Any], log: bool = False, step: bool = False) -> Form:
    low = _first(named, ("lower", "low", "start"), values[0] if values else None)
    high = _first(named, ("upper", "high", "stop", "end"), values[1] if len(values) > 1 else None)
    distance = named.get("step", named.get("q", values[2] if step and len(values) > 2 else None))
    return _range(low, high, log=log or bool(named.get("log")), step=distance)


def _first(named: dict[str, Any], names: tuple[str, ...], default: Any) -> Any:
    return next((named[name] for name in names if name in named), default)


def _whole(values: list[Any], named: dict[str, Any], step: bool = False) -> Form:
    """Numbers of which the upper bound is left out, as in Python; a range where they are no whole ones."""
    if len(values) == 1 and not named:
        values = [0, values[0]]
    distance = _first(named, ("step", "q"), values[2] if step and len(values) > 2 else None)
    form = _bounds(values[:2], {key: value for key, value in named.items() if key not in ("step", "q")})
    low, high = form["low"], form["high"]
    if distance is None and not all(float(bound).is_integer() for bound in (low, high)):
        return form
    distance = 1 if distance is None else distance
    count = math.ceil((Decimal(str(high)) - Decimal(str(low))) / Decimal(str(distance))) - 1
    return _range(low, stepped(low, distance, count), step=distance if distance != 1 else None)


def _range(low: Any, high: Any, log: bool = False, step: Any = None) -> Form:
    if not all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in (low, high)):
        raise TypeError("bounds that are no numbers")
    if log:
        return {"low": low, "high": high, "log": True}
    if step in (None, False):
        return {"low": low, "high": high}
    # Others stop at the last step before the high; here the steps have to lead to it.
    count = int((Decimal(str(high)) - Decimal(str(low))) / Decimal(str(step)) + Decimal("1e-8"))
    last = stepped(low, step, count)
    return {"low": low, "high": high if last == high else last, "step": step} if count else _range(low, high)


def bare_form(name: str) -> str:
    """Return the form here of a kind that is named and no more: `suggest_float`, `log_uniform_values`."""
    plain = name.rpartition(".")[2].casefold()
    try:
        form = _of_name(plain, [1, 2], {}) or _of_name(
            plain.replace("_", "").removesuffix("values"), [1, 2], {}
        )
    except (TypeError, ValueError, LookupError):
        form = None
    if form is None:
        return ""
    log = ", log: true" if "log" in form else ""
    return "{choices: [...]}" if "choices" in form else f"{{low: ..., high: ...{log}}}"


def written(form: Form) -> str:
    """Return a dimension as a line of YAML: `{low: 0.1, high: 10, log: true}`."""

    def value(one: Any) -> str:
        if isinstance(one, list):
            return f"[{', '.join(map(value, one))}]"
        plain = isinstance(one, str) and re.fullmatch(r"[A-Za-z][\w.-]*", one)
        return str(one) if plain and one not in ("true", "false", "null") else json.dumps(one)

    return f"{{{', '.join(f'{key}: {value(inner)}' for key, inner in form.items())}}}"
