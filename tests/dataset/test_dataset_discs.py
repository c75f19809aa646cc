from pathlib import Path

import pytest

from discern.dataset.discs import read_disc_records
from discern.errors import DatasetError
from discern.evaluation.disc_records import DiscRecord

HEAD = "patient,ivd_label,level,herniation,bulging"


def write_table(folder: Path, *rows: str, head: str = HEAD) -> Path:
    table = folder / "discs.csv"
    table.write_text("\n".join([head, *rows]) + "\n")
    return table


def test_each_row_is_what_a_reader_said_of_a_disc(tmp_path: Path) -> None:
    table = write_table(tmp_path, "1,1,L5/S1,1,0", "1,2,L4/L5,0,1", "2,0,S1/S2,,")

    assert read_disc_records(table) == {
        ("1", 1): DiscRecord(herniation=True, bulging=False),
        ("1", 2): DiscRecord(herniation=False, bulging=True),
        ("2", 0): DiscRecord(),
    }


def test_columns_that_are_not_there_are_unknown(tmp_path: Path) -> None:
    table = write_table(tmp_path, "1,1,1", head="patient,ivd_label,herniation")

    assert read_disc_records(table) == {("1", 1): DiscRecord(herniation=True)}


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    table = write_table(tmp_path, "1,1,L5/S1,1,0")
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())

    assert len(read_disc_records(table)) == 1


def test_without_the_file_there_are_no_records(tmp_path: Path) -> None:
    assert read_disc_records(tmp_path / "discs.csv") == {}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,one,L5/S1,1,0", r"discs\.csv, line 2: .*'one'"),
        ("1,1,L5/S1,yes,0", r"line 2: herniation is 'yes'; write 0 or 1"),
        ("1,1,L5/S1,1,2", r"line 2: bulging is '2'"),
        ("1", r"discs\.csv, line 2"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_disc_records(write_table(tmp_path, row))


def test_a_disc_has_one_row(tmp_path: Path) -> None:
    table = write_table(tmp_path, "1,2,L4/L5,1,0", "1,2,L4/L5,0,0")

    with pytest.raises(DatasetError, match="line 3: patient 1 has a second row for disc 2"):
        read_disc_records(table)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no column 'ivd_label'"):
        read_disc_records(write_table(tmp_path, "1,1", head="patient,herniation"))


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    table = tmp_path / "discs.csv"
    table.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(DatasetError, match=r"discs\.csv: cannot be read"):
        read_disc_records(table)


def test_the_real_table_counts_as_its_documentation_says(shared_data: Path) -> None:
    records = read_disc_records(shared_data / "spider-lumbar" / "discs.csv")

    assert sum(record.herniation is True for record in records.values()) == 57
    assert len({patient for patient, _ in records}) == 178
