"""One table in every format: what people read is rounded, what programs read is not."""

from __future__ import annotations

import math

import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from nemesis_sweep.report.page.formats.data import data_table
from nemesis_sweep.report.page.formats.latex import latex
from nemesis_sweep.report.page.formats.markdown import markdown
from nemesis_sweep.report.page.formats.text import best_cells, texts
from nemesis_sweep.report.page.pieces import Column, Line, ReportTable
from nemesis_sweep.report.statistics import Gain, Score
from nemesis_sweep.report.statistics.estimate import Estimate
from nemesis_sweep.report.statistics.strata import SampleSize

TABLE = ReportTable(
    name="made",
    title="A made table",
    caption="50 % of it & more.",
    columns=[
        Column("method"),
        Column("test", "max"),
        Column("loss", "min", digits=2),
        Column("gain"),
        Column("set", printed=False),
    ],
    lines=[
        Line(["plain_CoOp", Score(61.24, 1.26, 3), 0.5, None, "n_ctx=4"], "digits"),
        Line(["best | found", Score(63.0, None, 1), 0.25, Gain(1.76, -0.4, 3.92, 3), None], "digits"),
        Line(["plain_CoOp", Score(10.0, 0.0, 3), None, None, None], "clipart"),
    ],
)


def test_people_read_rounded_cells() -> None:
    assert texts(TABLE, TABLE.lines) == [
        ["plain_CoOp", "61.2 ± 1.3", "0.50", "", "n_ctx=4"],
        ["best | found", "63.0", "0.25", "+1.8 (-0.4 to 3.9)", ""],
        ["plain_CoOp", "10.0 ± 0.0", "", "", ""],
    ]


def test_an_estimate_has_the_digits_of_its_column_and_its_interval_if_there_is_one() -> None:
    n = SampleSize(tasks=2, values=6, fewest=3, most=3)
    lines = [Line([Estimate(0.731, 0.6, 0.85, n)]), Line([Estimate(0.734, None, None, n)])]
    better = ReportTable("t", "", "", [Column("P", "max", digits=2)], lines)
    assert texts(better, lines) == [["0.73 (0.60 to 0.85)"], ["0.73"]]
    assert best_cells(better) == [[True], [True]]
    assert data_table(better).to_pylist()[0] == {"P": 0.731, "P low": 0.6, "P high": 0.85, "P n": 6}


def test_the_best_of_a_group_is_marked_and_one_alone_is_not() -> None:
    assert best_cells(TABLE) == [
        [False, False, False, False, False],
        [False, True, True, False, False],
        [False, False, False, False, False],
    ]


def test_a_number_that_is_none_is_never_the_best_and_hides_no_other() -> None:
    lines = [Line([Score(value, 0.0, 3)]) for value in (math.nan, 61.0, 60.0)]
    assert best_cells(ReportTable("t", "", "", [Column("a", "max")], lines)) == [[False], [True], [False]]


def test_what_looks_alike_is_equally_good() -> None:
    alike = ReportTable("t", "", "", [Column("a", "max")], [Line([61.21]), Line([61.24])])
    assert best_cells(alike) == [[True], [True]]


def test_a_table_for_programs_says_what_it_is(tmp_path) -> None:
    pq.write_table(data_table(TABLE), tmp_path / "made")
    assert pq.read_schema(tmp_path / "made").metadata == {
        b"title": b"A made table",
        b"caption": b"50 % of it & more.",
    }


@pytest.mark.parametrize(("write", "read"), [(csv.write_csv, csv.read_csv), (pq.write_table, pq.read_table)])
def test_programs_read_every_number_unrounded(write, read, tmp_path) -> None:
    file = tmp_path / "made"
    write(data_table(TABLE), file)
    rows = read(file).to_pylist()
    assert rows[1] == {
        "method": "best | found",
        "test": 63.0,
        "test std": None,
        "test n": 1,
        "loss": 0.25,
        "gain": 1.76,
        "gain low": -0.4,
        "gain high": 3.92,
        "gain n": 3,
        "set": rows[1]["set"],
        "group": "digits",
    }
    assert rows[0]["test std"] == 1.26
    assert rows[2]["group"] == "clipart"


def test_markdown_escapes_and_prints_the_best_bold() -> None:
    text = markdown(TABLE)
    assert r"| digits | best \| found | **63.0** | **0.25** | +1.8 (-0.4 to 3.9) |  |" in text
    assert r"plain\_CoOp" in text


def test_latex_is_a_table_with_rules_and_groups() -> None:
    lines = latex(TABLE).splitlines()
    assert r"\caption{A made table. 50 \% of it \& more.}" in lines
    assert r"\begin{tabular}{@{}lrrr@{}}" in lines
    assert r"plain\_CoOp & 61.2 $\pm$ 1.3 & 0.50 &  \\" in lines
    assert r"best \textbar{} found & \textbf{63.0} & \textbf{0.25} & +1.8 (-0.4 to 3.9) \\" in lines
    assert r"\multicolumn{4}{@{}l}{\emph{clipart}} \\" in lines
    assert r"\resizebox{\linewidth}{!}{%" not in lines


def test_a_wide_table_is_made_as_wide_as_the_text() -> None:
    wide = ReportTable("w", "", "", [Column(f"dataset {n}") for n in range(12)], [Line([1.0] * 12)])
    assert r"\resizebox{\linewidth}{!}{%" in latex(wide)


def test_no_letter_of_a_name_is_a_command() -> None:
    told = latex(ReportTable("t", r"\input{x}", "~^#$", [Column("{a}")], [Line(["<_>"])]))
    assert r"\caption{\textbackslash{}input\{x\}. \textasciitilde{}\textasciicircum{}\#\$}" in told
    assert r"\{a\} \\" in told


def test_a_row_that_begins_with_a_bracket_or_a_star_begins_with_it() -> None:
    """After the end of the row before, LaTeX would take these for its room and its star."""
    lines = [Line([name]) for name in ("[1em]", "*")]
    told = latex(ReportTable("t", "", "", [Column("class")], lines))
    assert "{[}1em] \\\\" in told
    assert "{*} \\\\" in told
