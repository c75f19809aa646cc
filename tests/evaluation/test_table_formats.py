"""One table in four formats: what a spreadsheet, LaTeX and a browser make of it."""

import csv
import io
from html.parser import HTMLParser

import pytest

from discern.evaluation.bootstrap import Figure
from discern.evaluation.table_formats import Table, cell_text, table_files

HALF = Figure(0.5, (0.25, 0.75001))
TABLE = Table(
    name="table-4",
    title="Grades & <lesions>, 100 %",
    columns=("", "Recall", "n"),
    rows=(
        ("Grade_1 | ±2", HALF, 3),
        ("≤ 5 \N{MULTIPLICATION SIGN} #2", Figure(None, None, "no disc"), 0),
    ),
    notes=("A dash: {none}.",),
)


def text_of(kind: str, table: Table = TABLE) -> str:
    return table_files(table)[f"tables/{table.name}.{kind}"].decode()


class Cells(HTMLParser):
    """The text of every cell, row by row, of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - signature of the base class
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"td", "th"}:
            self.rows[-1][-1] += data


def test_four_files_carry_the_name_of_the_table() -> None:
    assert set(table_files(TABLE)) == {f"tables/table-4.{k}" for k in ("txt", "csv", "tex", "html")}


def test_text_is_aligned_and_says_title_and_notes() -> None:
    lines = text_of("txt").splitlines()

    assert lines[0] == TABLE.title
    assert lines[-1] == TABLE.notes[0]
    table = [line for line in lines if line.startswith("|")]
    assert len({len(line) for line in table}) == 1
    assert r"Grade_1 \| ±2" in table[2]
    assert "0.500 [0.250, 0.750]" in table[2]


def test_csv_gives_value_and_ends_in_columns_of_their_own() -> None:
    rows = list(csv.reader(io.StringIO(text_of("csv"))))

    assert rows[0] == ["", "Recall", "Recall ci95 low", "Recall ci95 high", "n"]
    assert rows[1] == ["Grade_1 | ±2", "0.5000", "0.2500", "0.7500", "3"]
    assert rows[2] == ["≤ 5 \N{MULTIPLICATION SIGN} #2", "", "", "", "0"]


def test_csv_keeps_a_column_whole_where_it_holds_words_only() -> None:
    words = Table("t", "", ("a", "b"), (("x", "1, 2"), ("y", 4)))
    assert text_of("csv", words) == 'a,b\nx,"1, 2"\ny,4\n'


def test_latex_escapes_what_latex_would_read() -> None:
    text = text_of("tex")

    assert r"\caption{Grades \& <lesions>, 100 \%}" in text
    assert r"Grade\_1 | $\pm$2 & 0.500 [0.250, 0.750] & 3 \\" in text
    assert r"$\le$ 5 $\times$ \#2 & - & 0 \\" in text
    assert r"A dash: \{none\}." in text
    for begin in ("table", "tabular"):
        assert text.count(rf"\begin{{{begin}}}") == text.count(rf"\end{{{begin}}}") == 1


def test_html_is_closed_escaped_and_complete() -> None:
    text = text_of("html")
    cells = Cells(text)

    assert cells.open == []
    assert cells.rows == [
        ["", "Recall", "n"],
        ["Grade_1 | ±2", "0.500 [0.250, 0.750]", "3"],
        ["≤ 5 \N{MULTIPLICATION SIGN} #2", "-", "0"],
    ]
    assert "<lesions>" not in text


def test_a_figure_reads_the_same_fresh_and_from_four_decimals() -> None:
    fresh, stored = Figure(0.51851, (0.07149, 0.9)), Figure(0.5185, (0.0715, 0.9))
    assert cell_text(fresh) == cell_text(stored)


@pytest.mark.parametrize("kind", ["txt", "csv", "tex", "html"])
def test_a_table_without_rows_is_still_a_file(kind: str) -> None:
    assert text_of(kind, Table("empty", "Nothing", ("a",), (), ("No lesion.",)))
