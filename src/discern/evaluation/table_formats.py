"""One table, written as text, CSV, LaTeX and HTML."""

import csv
import html
import io
from dataclasses import dataclass

from discern.evaluation.bootstrap import Figure

Cell = str | int | Figure
"""Text, a count, or a figure with its interval."""

_JSON_DECIMALS = 4
_LATEX_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{character: f"\\{character}" for character in "&%$#_{}"},
        "±": r"$\pm$",
        "≤": r"$\le$",
        "≥": r"$\ge$",
        "\N{MULTIPLICATION SIGN}": r"$\times$",
    }
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under a head; the first column names the row.

    Attributes:
        name: File stem: lower case, digits and hyphens.
        title: One line above the table.
        columns: Head, one text per column.
        rows: Cells, as many in each row as there are columns.
        notes: Lines below the table: what is in brackets, what a dash means.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def table_files(table: Table) -> dict[str, bytes]:
    """Return ``tables/NAME.txt``, ``.csv``, ``.tex`` and ``.html``, by file name."""
    written = {
        "txt": table_text(table),
        "csv": table_csv(table),
        "tex": table_latex(table),
        "html": table_html(table),
    }
    return {f"tables/{table.name}.{kind}": text.encode() for kind, text in written.items()}


def cell_text(cell: Cell) -> str:
    """Return the cell as people read it: figures to three decimals with their interval.

    They are rounded to the four decimals of ``metrics.json`` first, so that a table made from that
    file says the same.

    >>> cell_text(Figure(0.8461, (0.79, 0.8812)))
    '0.846 [0.790, 0.881]'
    >>> cell_text(Figure(None, None, "no disc"))
    '-'
    """
    if not isinstance(cell, Figure):
        return str(cell)
    if cell.value is None:
        return "-"
    if cell.ci95 is None:
        return _three_decimals(cell.value)
    low, high = map(_three_decimals, cell.ci95)
    return f"{_three_decimals(cell.value)} [{low}, {high}]"


def table_text(table: Table) -> str:
    """Return title, padded Markdown table and notes; it also reads as plain text."""
    rows = [tuple(map(_markdown_cell, row)) for row in (table.columns, *table.rows)]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    rule = tuple("-" * width for width in widths)
    lines = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |"
        for row in (rows[0], rule, *rows[1:])
    ]
    return "\n".join([table.title, "", *lines, *(f"\n{note}" for note in table.notes)]) + "\n"


def table_csv(table: Table) -> str:
    """Return CSV with the numbers of a figure in columns of their own: value, low, high.

    A column becomes three where any of its cells is a figure; values have four decimals.
    """
    spread = [
        any(isinstance(row[i], Figure) for row in table.rows) for i in range(len(table.columns))
    ]
    head: list[str] = []
    for name, wide in zip(table.columns, spread, strict=True):
        head += [name, f"{name} ci95 low", f"{name} ci95 high"] if wide else [name]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    for row in table.rows:
        cells = zip(row, spread, strict=True)
        writer.writerow([text for cell, wide in cells for text in _csv_cells(cell, wide=wide)])
    return buffer.getvalue()


def table_latex(table: Table) -> str:
    """Return a ``table`` environment for the booktabs package."""
    rows = [" & ".join(_latex_text(cell_text(c)) for c in row) + r" \\" for row in table.rows]
    head = " & ".join(_latex_text(column) for column in table.columns) + r" \\"
    notes = [rf"\par\footnotesize {_latex_text(note)}" for note in table.notes]
    lines = [
        r"\begin{table}",
        rf"\caption{{{_latex_text(table.title)}}}",
        rf"\label{{tab:{table.name}}}",
        r"\centering",
        rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
        *(r"\toprule", head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}"),
        *notes,
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def table_html(table: Table) -> str:
    """Return a ``<table>`` with its caption, everything escaped, for a page or on its own."""
    head = "".join(f"<th scope=col>{html.escape(column)}</th>" for column in table.columns)
    body = "\n".join(f"<tr>{_html_row(row)}</tr>" for row in table.rows)
    notes = "".join(f"\n<p class=note>{html.escape(note)}</p>" for note in table.notes)
    return (
        f"<table id={html.escape(table.name)}>\n<caption>{html.escape(table.title)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>{notes}\n"
    )


def _three_decimals(value: float) -> str:
    return f"{round(value, _JSON_DECIMALS) + 0.0:.3f}"


def _markdown_cell(cell: Cell) -> str:
    return cell_text(cell).replace("|", r"\|")


def _csv_cells(cell: Cell, *, wide: bool) -> list[str]:
    if not isinstance(cell, Figure):
        return [str(cell), "", ""] if wide else [str(cell)]
    ends = ("", "") if cell.ci95 is None else tuple(f"{end:.4f}" for end in cell.ci95)
    return ["" if cell.value is None else f"{cell.value:.4f}", *ends]


def _latex_text(text: str) -> str:
    return text.translate(_LATEX_SPECIAL)


def _html_row(row: tuple[Cell, ...]) -> str:
    first, *rest = (html.escape(cell_text(cell)) for cell in row)
    return f"<th scope=row>{first}</th>" + "".join(f"<td>{text}</td>" for text in rest)
