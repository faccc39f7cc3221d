from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.report.results import read_results, results_table, write_results
from nemesis_sweep.sweep.best import mark_best
from nemesis_sweep.sweep.row import Row


def test_one_row_per_trial_with_typed_columns(rows: list[Row]) -> None:
    table = results_table(rows)
    assert table.num_rows == 6
    assert table["trial"].to_pylist() == ["zero_shot", "coop", "0", "1", "2", "3"]
    assert table["number"].type == pa.int64()
    assert table["number"].to_pylist() == [None, None, 0, 1, 2, 3]
    assert table["baseline"].to_pylist()[:4] == ["zero_shot", "coop", "paper", ""]
    assert table["state"].to_pylist()[-3:] == ["COMPLETE", "PRUNED", "FAIL"]
    assert table["param.omega"].type == pa.float64()
    assert table["param.n_ctx"].type == pa.int64()
    # What a baseline trains with; zero-shot trains nothing.
    assert table["param.n_ctx"].to_pylist() == [None, 16, 8, 8, 8, 8]
    assert table["param.omega"].to_pylist()[:2] == [None, 0.0]
    assert table["config"][1].as_py() == {"prompt": "coop", "n_ctx": 16, "beta": 0.0, "omega": 0.0}
    assert table["val/accuracy"].to_pylist()[3] == pytest.approx(65.0)
    assert table["val/accuracy/std"].to_pylist()[3] == pytest.approx(1.0)
    assert table["test/accuracy/std"].to_pylist()[3] == pytest.approx(math.sqrt(3.0))
    assert table["test/accuracy/replicates"].to_pylist()[3] == [60.0, 63.0, 63.0]
    assert table["val/accuracy/std"].to_pylist()[4] is None
    assert table["norm/mean"].to_pylist() == [None] * 6


def test_round_trip(rows: list[Row], tmp_path: Path) -> None:
    path = write_results(tmp_path, rows)
    assert path == tmp_path / "results.parquet"
    assert read_results(tmp_path) == rows
    assert [file.name for file in tmp_path.iterdir()] == ["results.parquet"]


def test_writing_again_replaces(rows: list[Row], tmp_path: Path) -> None:
    write_results(tmp_path, rows)
    write_results(tmp_path, rows[:2])
    assert len(read_results(tmp_path)) == 2


def test_a_row_that_cannot_be_written_leaves_the_old_file(rows: list[Row], tmp_path: Path) -> None:
    write_results(tmp_path, rows)
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        write_results(tmp_path, [replace(rows[0], shots="many")])
    assert read_results(tmp_path) == rows
    assert len(list(tmp_path.iterdir())) == 1


def test_parameters_take_the_narrowest_type(tmp_path: Path) -> None:
    values = {
        "flag": [True, False],
        "whole": [1, None],
        "number": [1, 0.5],
        "name": ["l2", "inf"],
        "mixed": [1, "epochs"],
        "list": [[1, 2], [3]],
    }
    made = [
        Row(study="s", number=str(place), params={name: pair[place] for name, pair in values.items()})
        for place in (0, 1)
    ]
    table = results_table(made)
    types = {name: str(table[f"param.{name}"].type) for name in values}
    assert types == {
        "flag": "bool",
        "whole": "int64",
        "number": "double",
        "name": "string",
        "mixed": "string",
        "list": "list<item: int64>",
    }
    assert table["param.mixed"].to_pylist() == ["1", "epochs"]
    assert table["param.list"].to_pylist() == [[1, 2], [3]]
    write_results(tmp_path, made)
    read = [dict.fromkeys(values) | row.params for row in read_results(tmp_path)]
    assert read == [row.params for row in made]


def test_one_row_is_usable_as_it_is(rows: list[Row], tmp_path: Path) -> None:
    """By any reader of Parquet: no column of a usual sweep holds JSON."""
    write_results(tmp_path, rows)
    for row in pq.read_table(tmp_path / "results.parquet").to_pylist():
        for name, value in row.items():
            assert not (isinstance(value, str) and value[:1] in ("{", "[", '"')), name
        if row["epochs"]:
            assert row["config"]["n_ctx"] and row["param.omega"] is not None


def test_values_of_several_types_come_back_as_they_were(tmp_path: Path) -> None:
    values = [1, "epochs", "2", [1, "a"], True, {"a": 1}, "null", 0.5]
    made = [
        Row(study="s", number=str(place), params={"views": value}, config={"views": value, "words": None})
        for place, value in enumerate(values)
    ]
    write_results(tmp_path, made)
    read = read_results(tmp_path)
    assert [row.params["views"] for row in read] == values
    assert [row.config for row in read] == [{"views": value} for value in values]


def test_a_table_of_an_earlier_version_is_read(rows: list[Row], tmp_path: Path) -> None:
    """Numbers were text, parameters and configuration JSON."""
    table = results_table(rows)
    old = table.drop_columns(["trial", "config"])
    old = old.set_column(old.column_names.index("number"), "number", table["trial"])
    for name in ("params", "config"):
        old = old.append_column(name, pa.array([json.dumps(getattr(row, name)) for row in rows]))
    pq.write_table(old.replace_schema_metadata({"nemesis_sweep.results": "1"}), tmp_path / "results.parquet")
    assert read_results(tmp_path) == rows


def test_a_table_without_the_best_is_read(rows: list[Row], tmp_path: Path) -> None:
    """Earlier versions did not write it."""
    marked = mark_best(rows, ["val/accuracy"])
    assert [row.best for row in marked] == [False, False, False, True, False, False]
    pq.write_table(results_table(marked).drop_columns(["best"]), tmp_path / "results.parquet")
    assert read_results(tmp_path) == [replace(row, best=None) for row in marked]
    write_results(tmp_path, marked)
    assert read_results(tmp_path) == marked


def test_a_bare_failure_and_no_rows_at_all_are_tables_too(tmp_path: Path) -> None:
    write_results(tmp_path, [Row(study="s", number="4", state="FAIL")])
    assert read_results(tmp_path) == [Row(study="s", number="4", state="FAIL")]
    assert results_table([]).num_rows == 0
    assert "val/accuracy" in results_table([]).column_names


def test_numbers_that_are_not_finite_survive(tmp_path: Path) -> None:
    row = Row(study="s", number="1", metrics={"val/loss": math.nan, "x": math.inf})
    write_results(tmp_path, [row])
    metrics = read_results(tmp_path)[0].metrics
    assert math.isnan(metrics["val/loss"])
    assert metrics["x"] == math.inf


def test_what_is_not_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_results(tmp_path)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "results.parquet")
    with pytest.raises(UserError, match="not written by nemesis-sweep"):
        read_results(tmp_path)
    (tmp_path / "results.parquet").write_text("hello")
    with pytest.raises(UserError, match="not a Parquet file"):
        read_results(tmp_path)


def test_what_was_altered_in_the_middle_is_noticed(rows: list[Row], tmp_path: Path) -> None:
    """Pages carry checksums; of what stands behind them, a name that is altered is lost and no traceback."""
    path = write_results(tmp_path, rows)
    whole, before = path.read_bytes(), read_results(tmp_path)
    pages = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    noticed = 0
    for place in range(4, len(whole) - 8, 23):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            found = read_results(tmp_path)
        except UserError as error:
            assert "is damaged" in str(error) or "not written by" in str(error)
            noticed += 1
        else:
            # Headers of pages have parts that nobody reads, such as the least value.
            assert found == before or place >= pages
    assert noticed > 100
