"""A table as LaTeX with booktabs, ready for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nemesis_sweep.report.page.formats.text import best_cells, is_text, texts
from nemesis_sweep.report.page.pieces import ReportTable

ROOM = 78
"""Characters of a line that the text width of a paper has room for in \\footnotesize."""
COMMANDS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}",
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    # After the end of a row these two would be its room and its star; a bar is a dash in the usual fonts.
    "[": "{[}", "*": "{*}", "|": r"\textbar{}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "±": r"$\pm$", "×": r"$\times$", "−": "$-$", "→": r"$\to$", "≥": r"$\geq$", "≤": r"$\leq$",
}  # fmt: skip


def latex(table: ReportTable) -> str:
    """A `table` environment with caption and label, the best of each group bold, a rule between groups.

    It needs the packages booktabs, and graphicx where the table is wider than a page.
    """
    table = _printed(table)
    rows = _rows(table)
    header = [escaped(column.name) for column in table.columns]
    kinds = "".join("l" if is_text(table, place) else "r" for place in range(len(header)))
    body = [_line(header), r"\midrule", *rows]
    tabular = [
        rf"\begin{{tabular}}{{@{{}}{kinds}@{{}}}}",
        r"\toprule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    widths = [max(map(len, column)) for column in zip(*_texts(table), strict=True)]
    if sum(widths) + 2 * len(widths) > ROOM:
        tabular = [r"\resizebox{\linewidth}{!}{%", *tabular, "}"]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs,graphicx}",
            r"\begin{table}[t]",
            r"\centering\footnotesize",
            rf"\caption{{{escaped(table.title)}. {escaped(table.caption)}}}",
            rf"\label{{tab:{table.name}}}",
            r"\smallskip",
            *tabular,
            r"\end{table}",
            "",
        ]
    )


def escaped(text: str) -> str:
    """Text in which no letter is a command."""
    return "".join(COMMANDS.get(letter, letter) for letter in text.replace("\n", " "))


def _printed(table: ReportTable) -> ReportTable:
    places = [place for place, column in enumerate(table.columns) if column.printed]
    lines = [replace(line, cells=[line.cells[place] for place in places]) for line in table.lines]
    return replace(table, columns=[table.columns[place] for place in places], lines=lines)


def _rows(table: ReportTable) -> list[str]:
    lines: list[str] = []
    group = ""
    told = zip(table.lines, texts(table, table.lines), best_cells(table), strict=True)
    for line, cells, best in told:
        if line.group != group:
            group = line.group
            heading = rf"\multicolumn{{{len(table.columns)}}}{{@{{}}l}}{{\emph{{{escaped(group)}}}}} \\"
            lines += [*([r"\addlinespace"] if lines else []), heading]
        words = [escaped(cell) for cell in cells]
        lines.append(
            _line([rf"\textbf{{{word}}}" if bold else word for word, bold in zip(words, best, strict=True)])
        )
    return lines


def _texts(table: ReportTable) -> list[list[str]]:
    return [[column.name for column in table.columns], *texts(table, table.lines)]


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
