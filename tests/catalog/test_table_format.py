"""Tables as programs write them: encodings, delimiters, headers, quotation marks, broken rows."""

import csv
import io
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from catalog.importing.row_notes import FileError
from catalog.importing.sources.table_rows import Row, TableRows, has_quoted_cells
from catalog.importing.sources.text_file import TextFile
from tests.catalog.feed_files import ReadFile, read
from tests.data import CASES, needs_cases

TWO = "sku{0}title{0}price\nA{0}Käse{0}4.50\nB{0}Brot{0}5.50\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["c.csv", "c.tsv", "c.txt"])
def test_delimiter_is_that_of_the_header(tmp_path: Path, delimiter: str, name: str) -> None:
    assert read(tmp_path, TWO.format(delimiter), name).values("title") == {"A": "Käse", "B": "Brot"}


@pytest.mark.parametrize("line", ["sep=;", "SEP=;\r", '"sep=;"'])
def test_separator_line_of_a_spreadsheet(tmp_path: Path, line: str) -> None:
    found = read(tmp_path, f"{line}\nsku;title,price\nA;x,y\n", mapping={"title,price": "title"})
    assert found.values("title") == {"A": "x,y"}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, line_end: str) -> None:
    content = TWO.format(",").replace("\n", line_end).encode(encoding)
    assert read(tmp_path, content).values("title") == {"A": "Käse", "B": "Brot"}


def test_json_lines_may_be_utf_16(tmp_path: Path) -> None:
    content = '{"sku": "A", "title": "Käse"}\n{"sku": "B", "title": "Brot"}\n'.encode("utf-16")
    assert read(tmp_path, content, "c.jsonl").values("title") == {"A": "Käse", "B": "Brot"}


def test_other_encodings_are_named_not_guessed(tmp_path: Path) -> None:
    content = TWO.format(";").encode("cp1252")
    found = read(tmp_path, content)
    assert sorted(found.rows) == ["B"]
    assert "title is not UTF-8" in found.errors[2]
    assert "--encoding windows-1252" in found.errors[2]
    found = read(tmp_path, content, encoding="windows-1252")
    assert found.values("title") == {"A": "Käse", "B": "Brot"}
    with pytest.raises(FileError, match="no encoding 'nonsense'"):
        read(tmp_path, content, encoding="nonsense")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04\x14\x00", "Excel workbook or a ZIP file"),
        (b"\x1f\x8b\x08\x00", "compressed"),
        (b'<?xml version="1.0"?><rss>', "XML"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
    ],
)
def test_what_is_no_table_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(FileError, match=message):
        read(tmp_path, content)


def test_blank_lines_and_titles_above_the_header(tmp_path: Path) -> None:
    found = read(tmp_path, "\n,,\nExport of today,,\n\nsku,title,price\n\nA,Mug,1\n , ,\nB,Pot,2\n")
    assert sorted(found.rows) == ["A", "B"]
    assert [row.line for row in found.rows.values()] == [7, 9]
    assert "header on line 5" in found.columns.format


def test_cells_beyond_the_header(tmp_path: Path) -> None:
    found = read(tmp_path, "sku,title,price,,\nA,Mug,1,\nB,Pot,2,,,\nC,Pan,3,x\nD,Cup\nE,Jug,5\n")
    assert sorted(found.rows) == ["A", "B", "E"]
    assert found.errors == {
        4: "4 cells, but the header has 3",
        5: "2 cells, but the header has 3",
    }


def test_column_without_a_name_is_ignored(tmp_path: Path) -> None:
    found = read(tmp_path, ",sku,title\n0,A,Mug\n1,B,Pot\n")
    assert found.values("title") == {"A": "Mug", "B": "Pot"}
    assert (found.columns.attributes, found.columns.ignored) == ([], [""])


def test_columns_for_one_field_are_named_with_their_places(tmp_path: Path) -> None:
    content = "sku,title,price,Price \nA,Mug,1,2\n"
    with pytest.raises(FileError) as error:
        read(tmp_path, content)
    assert "'price' (column 3) and 'Price' (column 4) both map to price" in str(error.value)
    assert "--map 'Price=price'" in str(error.value)
    found = read(tmp_path, content, mapping={"Price": "price", "price": ""})
    assert str(found.rows["A"].values["price"]) == "2.00"
    found = read(tmp_path, "sku,title,title\nA,Mug,Cup\n", mapping={"title (2)": "title"})
    assert found.values("title") == {"A": "Cup"}


def test_formulas_that_keep_a_number_as_text(tmp_path: Path) -> None:
    found = read(tmp_path, 'sku,title\n="00123",Mug\n"=""00124""",Pot\n1.2E+12,Pan\n')
    assert sorted(found.rows) == ["00123", "00124", "1.2E+12"]
    assert "rounded" in found.warnings["1.2E+12"][0]


# -- quotation marks in files with tabs


def test_tabs_without_quoting(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        'id\ttitle\tdescription\nA\t"Best" mug\tGood\nB\t27" screen\tBig\nC\t"Tall\tClear\n'
        'D\tPlate\t"white"\n',
        "c.tsv",
    )
    assert found.values("title") == {
        "A": '"Best" mug',
        "B": '27" screen',
        "C": '"Tall',
        "D": "Plate",
    }
    assert found.rows["D"].values["description"] == '"white"'
    assert "quotation marks" in found.warnings["D"][0]
    assert not found.errors


def test_tabs_with_quoting(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        'id\ttitle\tdescription\nA\t"27"" screen"\t"one\ttab"\nB\tPot\t"two\nlines"\n'
        'C\t"Pan"\tx\nD\t"Tall\ty\nE\tJug\tz\n',
        "c.tsv",
    )
    assert found.values("title") == {
        "A": '27" screen',
        "B": "Pot",
        "C": "Pan",
        "D": '"Tall',
        "E": "Jug",
    }
    assert found.values("description") == {
        **{"A": "one\ttab", "B": "two\nlines", "C": "x", "D": "y", "E": "z"}
    }
    assert "not closed" in found.warnings["D"][0]


# -- broken rows


def rows_after(tmp_path: Path, broken: str, rows: int = 200) -> ReadFile:
    """A file in which the row on line 3 is broken and `rows` good rows follow."""
    good = "".join(f'P-{number},"Pot, {number}",plain,{number}.00\n' for number in range(rows))
    return read(tmp_path, f"sku,title,description,price\nA-1,Kettle,first,1.00\n{broken}\n{good}")


@pytest.mark.parametrize(
    "broken",
    [
        'A-2,Kettle,"never closed,20.00',
        '"A-2,Kettle,never closed,20.00',
        'A-2,Kettle,never closed,"20.00',
        'A-2,Kettle,"closed" too early,20.00',
        'A-2,Kettle,"a ""b"" c,20.00',
        'A-2,Kettle,"<a href="x">link</a>,20.00',
        'A-2,Kettle,"<p>\n<a href="x">link</a>\n</p>",20.00',
        'A-2,Kettle,"one, two,\nBlue, red, green, white\nmore" and more,20.00',
        'A-2,Kettle,"two\nlines",too,many,20.00',
    ],
)
def test_broken_row_is_named_and_takes_no_others_with_it(tmp_path: Path, broken: str) -> None:
    found = rows_after(tmp_path, broken)
    assert sorted(found.rows) == sorted(["A-1", *(f"P-{number}" for number in range(200))])
    assert 3 in found.errors
    extra = broken.count("\n")
    assert found.errors.keys() <= set(range(3, 4 + extra))


def test_each_of_several_broken_rows_is_named(tmp_path: Path) -> None:
    found = rows_after(tmp_path, 'A-2,x,"open,1\nA-3,y,"open too,2\nA-4,"z,open,3')
    assert sorted(found.errors) == [3, 4, 5]
    assert len(found.rows) == 201


def test_rows_between_two_bare_quotation_marks_are_not_one_cell(tmp_path: Path) -> None:
    content = (
        'sku,title,description,price\nA-1,Kettle,"never closed,20.00\nA-2,Pot,plain,21.00\n'
        'A-3,Screen,27",22.00\nA-4,Pan,x,23.00\n'
    )
    found = read(tmp_path, content)
    assert sorted(found.rows) == ["A-2", "A-3", "A-4"]
    assert list(found.errors) == [2]


@pytest.mark.parametrize(
    ("first", "between", "last", "other"),
    [
        # SKUs of different shapes, with numbers
        ('A-1,Kettle,"open,20', "B_22,Pot,plain,21", 'XY3,Screen,27",22', "A-2,Pan,x,23"),
        # SKUs without digits
        ('kettle,Kettle,"open,20', "pot,Pot,plain,21", 'screen,Screen,27",22', "pan,Pan,x,23"),
        # a good row of two lines in between
        ('A-1,Kettle,"open,20', 'A-2,Pot,red,21\nA-3,"Pan",two,9', 'A-4,TV,3",4', "A-5,Jug,x,1"),
        # no numbers at all
        ('kettle,K,"open,red', "pot,P,plain,blue", 'screen,S,27",tan', "pan,P,x,grey"),
        # in the first and the last column
        ('"A-1,Kettle,open,20', "A-2,Pot,plain,21", 'A-3",Screen,x,22', "A-4,Pan,x,23"),
        ('A-1,Kettle,open,"20', "A-2,Pot,plain,21", 'A-3,Screen,x,22"', "A-4,Pan,x,23"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_no_row_between_two_stray_quotation_marks_is_lost(
    tmp_path: Path, first: str, between: str, last: str, other: str, is_first: bool
) -> None:
    before = "" if is_first else f"z{other}\ny{other}\n"
    content = f"sku,title,description,size\n{before}{first}\n{between}\n{last}\n{other}\n"
    found = read(tmp_path, content)
    lines = content.splitlines()
    accounted = [*found.errors, *(row.line for row in found.rows.values())]
    assert sorted(accounted) == list(range(2, len(lines) + 1))
    assert "quotation mark" in found.errors.pop(lines.index(first) + 1)
    assert set(found.errors) <= {lines.index(last) + 1}


@pytest.mark.parametrize(
    "cell",
    [
        "Two lines,\nwith commas, in prose, and 2 numbers",
        "Sizes:\nS, 34, 36, 38\nM, 40, 42, 44",
        "Size,bust,waist,hip\nS,34,36,38\nM,40,42,44",
        "Soft\nLight, warm, dry, 5",
        "<ul>\n<li>one, two, three, 4</li>\n<li>A-2,b,c,5</li>\n</ul>",
        'A 27" screen\nand, as said, a 30" one, too',
        "Also as\nB 7, blue, plain, 12.00",
        "100%,\ncotton",
    ],
)
@pytest.mark.parametrize(
    "header", ["sku title price notes", "sku notes title price", "notes sku price title"]
)
@pytest.mark.parametrize("key", ["A-{}", "{}", "mug"])
def test_prose_of_several_lines_is_one_cell(
    tmp_path: Path, cell: str, header: str, key: str
) -> None:
    skus = [f"{key.format(number)}{'abcdef'[number % 6]}" for number in range(100, 106)]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, header.split())
    writer.writeheader()
    for sku in skus:
        row = {"sku": sku, "title": "Mug", "price": "9.90", "notes": "plain"}
        writer.writerow(row | ({"notes": cell} if sku == skus[3] else {}))
    found = read(tmp_path, buffer.getvalue())
    assert (list(found.rows), found.errors) == (skus, {})
    assert found.rows[skus[3]].values["attributes"] == {"notes": cell}


@pytest.mark.parametrize(
    "row",
    [
        'A-1, "Mug, red",5',
        '"A-1" , "Mug, red" , "5"',
        ' "A-1","Mug, red" ,5 ',
        'A-1,  "Mug, red", "5"',
    ],
)
def test_spaces_around_quoted_cells(tmp_path: Path, row: str) -> None:
    found = read(tmp_path, f'sku, "title", price\n{row}\nA-2, 12" plate ,6\n')
    assert found.values("title") == {"A-1": "Mug, red", "A-2": '12" plate'}
    assert (found.errors, found.columns.attributes) == ({}, [])


def test_space_in_front_of_a_quoted_cell_of_several_lines(tmp_path: Path) -> None:
    found = read(tmp_path, 'sku,title,notes\nA-1, Mug, "one, two\nthree"\nA-2,Pot,x\n')
    assert found.rows["A-1"].values["attributes"] == {"notes": "one, two\nthree"}
    assert (sorted(found.rows), found.errors) == (["A-1", "A-2"], {})


@pytest.mark.parametrize(
    "content",
    [
        "sku,title,notes\nA-1,Mug,x\rA-2,Pot,y\nA-3,Pan,z\n",
        'sku,title,notes\nA-1,"Mug",x\rA-2,"Pot",y\nA-3,"Pan",z\n',
        "sku,title,notes\rA-1,Mug,x\nA-2,Pot,y\nA-3,Pan,z\n",
        "sku,title,notes\r\nA-1,Mug,x\rA-2,Pot,y\r\nA-3,Pan,z",
        "sku,title,notes\nA-1,Mug,x\nA-2,Pot,y\nA-3,Pan,z\r",
        "sku,title,notes\rA-1,Mug,x\rA-2,Pot,y\nA-3,Pan,z\r",
    ],
)
def test_other_line_ends_between_rows(tmp_path: Path, content: str) -> None:
    found = read(tmp_path, content)
    assert found.values("title") == {"A-1": "Mug", "A-2": "Pot", "A-3": "Pan"}
    assert not found.errors


def test_other_line_ends_after_a_row_of_several_lines(tmp_path: Path) -> None:
    found = read(tmp_path, 'sku,title,x\nA-1,Mug,"a\rb\nc"\rA-2,Pot,y\nA-3,Pan\rsaucer,z\n')
    assert found.rows["A-1"].values["attributes"] == {"x": "a\rb\nc"}
    assert found.values("title") == {"A-1": "Mug", "A-2": "Pot", "A-3": "Pan\rsaucer"}
    assert not found.errors


def test_two_rows_of_one_sku_on_one_line(tmp_path: Path) -> None:
    found = read(tmp_path, "sku,title\nA-1,Mug\rA-1,Pot\nA-2,Pan\n")
    assert found.values("title") == {"A-1": "Mug", "A-2": "Pan"}
    assert found.errors == {2: "the SKU is already on line 2"}


@pytest.mark.parametrize(
    "content",
    [
        'sku,"title,price\nA,Mug,5\n',
        'sku,"title,price\nA,"Mug",5\nB,Pot,6\n',
        'sku,"title,price\nA,Mug",5\nB,Pot,6\n',
        '"sku,title,price\nA,Mug,5\n',
        'Export\n\nsku,title,price"\n'.replace('price"', '"price'),
    ],
)
def test_quotation_mark_in_the_header_that_is_not_closed(tmp_path: Path, content: str) -> None:
    with pytest.raises(FileError, match="the header, has a quotation mark that is not closed"):
        read(tmp_path, content)


def test_header_with_line_ends(tmp_path: Path) -> None:
    found = read(tmp_path, 'sku,title,"price\n(net, EUR)"\nA,Mug,5\n')
    assert found.columns.attributes == ["price\n(net, EUR)"]
    assert found.values("title") == {"A": "Mug"}


def test_long_cells_of_many_lines(tmp_path: Path) -> None:
    html = "<ul>\n" + "".join(f"<li>part, {number}</li>\n\n" for number in range(2000)) + "</ul>"
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["sku", "title", "notes"], ["A", "x", html], ["B", "y", "z"]])
    found = read(tmp_path, buffer.getvalue())
    assert found.rows["A"].values["attributes"]["notes"] == html.replace("\r", "")
    assert sorted(found.rows) == ["A", "B"]


def test_file_of_nothing_but_open_quotation_marks_ends(tmp_path: Path) -> None:
    found = read(tmp_path, "sku,title\n" + 'x","z\n' * 20_000)
    assert not found.rows
    assert len(found.errors) == 20_000


@pytest.mark.parametrize(
    ("line", "position"), [("a\x0bb\x0c\u2028,c", 1), ("two\r\nlines", 0), ("two\rlines", 0)]
)
def test_other_line_ends_in_cells(tmp_path: Path, line: str, position: int) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([["sku", "title", "x"], ["A", "Mug", line], ["B", "Pot", "y"]])
    found = read(tmp_path, buffer.getvalue())
    assert found.rows["A"].values["attributes"]["x"] == line
    assert sorted(found.rows) == ["A", "B"]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.text(
    ' ,;\t|"\r\na1=<', max_size=8
)


@given(
    rows=st.lists(st.lists(cells, min_size=2, max_size=2), min_size=1, max_size=6),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_program_writes_is_read_back(
    rows: list[list[str]], delimiter: str, quoting: int, line_end: str, encoding: str
) -> None:
    texts = [cell for row in rows for cell in row]
    assume(not any('="' in text for text in texts))  # a formula is read as its text
    assume(line_end == "\r\n" or not any("\r" in text for text in texts))  # not quoted by csv
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator=line_end)  # type: ignore[arg-type]
    writer.writerow(["sku", "title", "one", "two"])
    writer.writerows([f"S-{number}", "Mug", *row] for number, row in enumerate(rows))
    text = TextFile(io.BytesIO(buffer.getvalue().encode(encoding)))
    found = TableRows(islice(text.lines(), 1, None), first_line=2, width=4, delimiter=delimiter)
    written = [[f"S-{number}", "Mug", *row] for number, row in enumerate(rows)]
    assert [row.cells for row in found if isinstance(row, Row)] == written
    assert has_quoted_cells(lambda: islice(text.lines(), 1, None), 4) or delimiter != "\t"


@given(
    st.binary(max_size=300)
    | st.text('sku,title\n\r"; \t|ab1=', max_size=200).map(str.encode)
    | st.text("<>/item d&;!x", max_size=200).map(lambda text: f"<rss>{text}</rss>".encode())
    | st.text('a1,"\n', max_size=200).map(lambda text: f"sku,title\n{text}".encode()),
    st.sampled_from(["c.csv", "c.tsv", "c.txt", "c.jsonl", "c.xml"]),
)
def test_any_bytes_give_rows_or_a_message(content: bytes, name: str) -> None:
    with TemporaryDirectory() as folder:
        try:
            found = read(Path(folder), content, name)
        except FileError:
            return
        assert all(found.errors.values())


@given(
    st.lists(
        st.sampled_from(['P-{},"Pot, x",y', "P-{},Pot,y", 'P-{},"Pot,y', 'P-{},"a"b,c', "P-{},x"])
    )
)
def test_every_line_is_accounted_for(lines: list[str]) -> None:
    content = "\n".join(line.format(100 + number) for number, line in enumerate(lines))
    with TemporaryDirectory() as folder:
        found = read(Path(folder), f"sku,title,size\n{content}\n")
    landed = {row.line: sku for sku, row in found.rows.items()}
    assert sorted([*landed, *found.errors]) == list(range(2, 2 + len(lines)))
    assert all(sku == f"P-{98 + line}" for line, sku in landed.items())
    good = [line for line in lines if line in ('P-{},"Pot, x",y', "P-{},Pot,y")]
    assert len(landed) == len(good)


@needs_cases
@pytest.mark.parametrize(
    ("file", "landed", "skipped"),
    [
        ("attr_semicolon/p.csv", ["AS-1"], {}),
        ("blank_lines/p.csv", ["BL-1", "BL-2"], {}),
        ("cr_only/p.csv", ["M-1", "M-2"], {}),
        ("excel_sku/p.csv", ["'0042", "00123", "1.23457E+12"], {}),
        ("semicolon/p.csv", ["S-1", "S-2"], {}),
        ("sep_line/p.csv", ["S-3"], {}),
        ("tab_in_csv/p.csv", ["T-1"], {}),
        ("trailing_comma/p.csv", ["TC-1", "TC-2"], {}),
        ("tsv_quotes/p.tsv", [f"TQ-{number}" for number in range(1, 7)], {}),
        ("txt_feed/feed.txt", ["G-0"], {}),
        ("unclosed_quote/p.csv", ["UQ-2", "UQ-3"], {2: "not closed"}),
        ("utf16/p.csv", [], {2: "1 cell, but the header has 3"}),
    ],
)
def test_cases(file: str, landed: list[str], skipped: dict[int, str]) -> None:
    found = ReadFile(CASES / file)
    assert sorted(found.rows) == landed
    assert found.errors.keys() == skipped.keys()
    assert all(reason in found.errors[line] for line, reason in skipped.items())


@needs_cases
def test_case_doubled_header() -> None:
    with pytest.raises(FileError, match=r"'price' \(column 3\) and 'Price' \(column 4\)"):
        ReadFile(CASES / "header_dup/p.csv")
