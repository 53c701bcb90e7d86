"""Importing catalogue files: formats, bad rows, pictures, repeated and interrupted imports."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from threading import Thread
from unicodedata import normalize

import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from sqlalchemy import select

from catalog.db.connection import connect
from catalog.importing import FileError, Report, import_catalog
from catalog.tables import PRODUCT, PRODUCT_IMAGE
from tests.conftest import PROJECT, fresh_database
from tests.data import ECOMMERCE, needs_ecommerce
from tests.processes import run_python

pytestmark = pytest.mark.slow


def picture(colour: str = "red", size: tuple[int, int] = (30, 40), kind: str = "JPEG") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Path:
    """A folder for catalogue files, with a few pictures in `images`."""
    images = tmp_path / "images"
    images.mkdir()
    for colour in ("red", "green", "blue"):
        (images / f"{colour}.jpg").write_bytes(picture(colour))
    return tmp_path


def load(shop: Path, content: str | bytes, name: str = "c.csv", **options: object) -> Report:
    file = shop / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return import_catalog(file, shop / "images", **options)  # type: ignore[arg-type]


def products() -> dict[str, dict[str, object]]:
    with connect() as connection:
        rows = connection.execute(select(PRODUCT)).mappings()
        return {row["sku"]: dict(row) for row in rows}


def pictures(sku: str) -> list[str]:
    with connect() as connection:
        query = select(PRODUCT_IMAGE.c.sha256).join(PRODUCT).where(PRODUCT.c.sku == sku)
        return list(connection.execute(query.order_by(PRODUCT_IMAGE.c.position)).scalars())


def reasons(report: Report) -> dict[int, str]:
    return {error.line: error.reason for error in report.errors}


def warnings(report: Report) -> dict[int, str]:
    return {warning.line: warning.reason for warning in report.warnings}


def test_file_with_all_fields(shop: Path) -> None:
    report = load(
        shop,
        "sku,title,description,brand,category,subcategory,product_type,gender,colour,usage,price,"
        "currency,in_stock,images,pattern,sizes\n"
        'A-1,Red shirt,"Soft, and\nwarm",Nord,Apparel,Topwear,Shirts,Men,Red,Casual,19.90,EUR,'
        "false,red.jpg;blue.jpg,striped,S;M;L\n",
    )
    assert (report.added, report.errors) == (1, [])
    product = products()["A-1"]
    assert product["description"] == "Soft, and\nwarm"
    assert str(product["price"]) == "19.90"
    assert product["in_stock"] is False
    assert product["attributes"] == {"pattern": "striped", "sizes": ["S", "M", "L"]}
    assert len(pictures("A-1")) == 2


def test_tsv_and_json_lines_give_the_same_product(shop: Path) -> None:
    load(shop, "sku\ttitle\tprice\timages\nA\tShirt\t5\tred.jpg\n", "c.tsv")
    first = products()
    line = {"sku": "A", "title": "Shirt", "price": 5, "images": ["red.jpg"]}
    report = load(shop, json.dumps(line) + "\n", "c.jsonl")
    assert report.unchanged == 1
    assert products() == first


def test_json_numbers_and_booleans_are_accepted(shop: Path) -> None:
    line = {"sku": 7, "title": "Shirt", "price": 9.5, "in_stock": False, "care": {"wash": [30]}}
    assert load(shop, json.dumps(line), "c.jsonl").added == 1
    product = products()["7"]
    assert (str(product["price"]), product["in_stock"]) == ("9.50", False)
    assert product["attributes"] == {"care": {"wash": [30]}}


ACCEPTED = {
    **{"1299": "1299.00", "1299.5": "1299.50", "1299,5": "1299.50", "0,299": "0.30"},
    **{"1,299.00": "1299.00", "1.299,00": "1299.00", "1,299,000": "1299000.00"},
    **{"1 299": "1299.00", "1\u202f299,50": "1299.50", "1'299.50": "1299.50"},
    **{"1299,-": "1299.00", "1.299,-": "1299.00", "1299.000": "1299.00"},
    **{"42.000000": "42.00", "1,299.500000": "1299.50"},
    **{"1,50,000": "150000.00", "₹12,99,000.50": "1299000.50", "Rs. 999/-": "999.00"},
    **{"499:-": "499.00", "Fr. 12.50": "12.50", "1.299,90 TL": "1299.90"},
    **{"¥12,800": "12800.00", "12.800 円": "12800.00", "KRW 1,299,000": "1299000.00"},
}
REJECTED = {
    "1,299": "price '1,299' is ambiguous: write 1299.00 or 1.30",
    "12.500": "price '12.500' is ambiguous: write 12500.00 or 12.50",
    "$1,299": "price '1,299' is ambiguous: write 1299.00 or 1.30",
    "about 19.90": "price is not a number like 19.90: 'about 19.90'",
    "12,99,00": "price is not a number like 19.90: '12,99,00'",
    "1.50.000": "price is not a number like 19.90: '1.50.000'",
    "1,50,000,00": "price is not a number like 19.90: '1,50,000,00'",
    "CNY 12,800": "price '12,800' is ambiguous: write 12800.00 or 12.80",
    "1,299,00": "price is not a number like 19.90: '1,299,00'",
    "1.299.00": "price is not a number like 19.90: '1.299.00'",
}


@pytest.fixture(scope="module")
def prices(template: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The price, or the reason of the rejection, of each price in one file."""
    written = [*ACCEPTED, *REJECTED]
    rows = "".join(f"S{number}\tShirt\t{it}\n" for number, it in enumerate(written))
    folder = tmp_path_factory.mktemp("prices")
    (folder / "images").mkdir()
    with fresh_database(template):
        report = load(folder, f"sku\ttitle\tprice\n{rows}", "c.tsv")
        stored = {sku: str(product["price"]) for sku, product in products().items()}
    rejected = {f"S{line - 2}": reason for line, reason in reasons(report).items()}
    assert not stored.keys() & rejected.keys()
    return {it: (stored | rejected)[f"S{number}"] for number, it in enumerate(written)}


@pytest.mark.parametrize("written", ACCEPTED)
def test_unambiguous_price_is_accepted(prices: dict[str, str], written: str) -> None:
    assert prices[written] == ACCEPTED[written]


@pytest.mark.parametrize("written", REJECTED)
def test_ambiguous_or_malformed_price_is_rejected(prices: dict[str, str], written: str) -> None:
    assert prices[written] == REJECTED[written]


def test_currency_column_without_cents_makes_a_separator_clear(shop: Path) -> None:
    load(
        shop, "sku\ttitle\tprice\tcurrency\nA\tShirt\t12,800\tJPY\nB\tShirt\t12,800\tEUR\n", "c.tsv"
    )
    assert {sku: str(it["price"]) for sku, it in products().items()} == {"A": "12800.00"}


def test_characters_without_width_around_a_cell_do_not_count(shop: Path) -> None:
    load(shop, "sku,title\nA,Shirt\n")
    report = load(shop, "sku,title\n\u200bA\ufeff,\u2060 Shirt\u200b\n")
    assert report.unchanged == 1


def test_json_number_has_no_thousands_separator(shop: Path) -> None:
    prices = {"A": 1.299, "B": 1299, "C": 1e3, "D": 1e400, "E": -1, "F": "1.299"}
    lines = [json.dumps({"sku": sku, "title": "x", "price": it}) for sku, it in prices.items()]
    report = load(shop, "\n".join(lines), "c.jsonl")
    assert {sku: str(it["price"]) for sku, it in products().items()} == {
        **{"A": "1.30", "B": "1299.00", "C": "1000.00"}
    }
    assert sorted(reasons(report)) == [4, 5, 6]


def test_columns_are_mapped_by_alias_and_by_option(shop: Path) -> None:
    content = "Article Number,Name,Couleur\n1,Shirt,Rouge\n"
    report = load(shop, content, mapping={"Couleur": "colour"})
    assert report.added == 1
    assert products()["1"]["colour"] == "Rouge"


def test_ignored_column_is_not_an_attribute(shop: Path) -> None:
    load(shop, "sku,title,internal\n1,Shirt,secret\n", mapping={"internal": ""})
    assert products()["1"]["attributes"] == {}


def test_byte_order_mark_and_windows_line_ends(shop: Path) -> None:
    assert load(shop, b"\xef\xbb\xbfsku,title\r\n1,Shirt\r\n").added == 1


def test_second_import_changes_nothing(shop: Path) -> None:
    content = "sku,title,price,images\nA,Shirt,5,red.jpg\nB,Skirt,6,\n"
    assert load(shop, content).added == 2
    before = products()
    again = load(shop, content)
    assert (again.added, again.updated, again.unchanged) == (0, 0, 2)
    assert products() == before


def test_only_changed_rows_are_updated_and_missing_columns_keep_their_values(shop: Path) -> None:
    load(shop, "sku,title,colour,price,images\nA,Shirt,Red,5,red.jpg\nB,Skirt,Blue,6,blue.jpg\n")
    report = load(shop, "sku,title,price\nA,Shirt,7\nB,Skirt,6\n")
    assert (report.updated, report.unchanged) == (1, 1)
    assert str(products()["A"]["price"]) == "7.00"
    assert products()["A"]["colour"] == "Red"
    assert len(pictures("A")) == 1


def test_empty_attribute_cells_empty_the_attribute(shop: Path) -> None:
    load(shop, "sku,title,size,fit\nA,Shirt,M,slim\nB,Skirt,S,wide\n")
    report = load(shop, "sku,title,size\nA,Shirt,\nB,Skirt,S\n")
    assert (report.updated, report.unchanged) == (1, 1)
    assert products()["A"]["attributes"] == {"fit": "slim"}
    report = load(shop, "sku,title,size,fit\nA,Shirt,L,N/A\nB,Skirt,S,wide\n")
    assert (report.updated, report.unchanged) == (1, 1)
    assert products()["A"]["attributes"] == {"size": "L"}
    line = {"sku": "B", "title": "Skirt", "fit": None}
    assert load(shop, json.dumps(line), "c.jsonl").updated == 1
    assert products()["B"]["attributes"] == {"size": "S"}


def test_pictures_named_after_the_sku(shop: Path) -> None:
    report = load(shop, "sku,title\nred,Shirt\n../red,Bad\ngone,Skirt\n")
    assert (report.added, report.with_pictures) == (3, 1)
    assert (len(pictures("red")), pictures("../red"), pictures("gone")) == (1, [], [])
    assert load(shop, "sku,title,images\nred,Shirt,\n").updated == 1
    assert pictures("red") == []


@pytest.mark.parametrize(
    ("header", "row"),
    [("sku,title,images", "A,Mug,red.jpg"), ("sku,title,images", "A,Mug,see the catalogue")],
)
def test_products_are_imported_without_the_folder_of_their_pictures(
    shop: Path, header: str, row: str
) -> None:
    file = shop / "c.csv"
    file.write_text(f"{header}\n{row}\nB,Pot,\nC,Pan,gone.jpg\n")
    report = import_catalog(file)
    assert "2 rows name picture files" in warnings(report)[2]
    assert "give their folder with --images" in warnings(report)[2]
    assert (report.added, list(warnings(report))) == (3, [2])
    is_file = "red" in row
    assert import_catalog(file, shop / "images").updated == is_file
    assert len(pictures("A")) == is_file
    assert import_catalog(file).unchanged == 3
    assert len(pictures("A")) == is_file


def test_every_row_of_a_file_is_counted(shop: Path) -> None:
    report = load(
        shop,
        "Handle,Title,Variant SKU,Variant Price,Image Src,Status\nmug,Mug,M-1,5,,active\n"
        "mug,,M-2,dear,,\nmug,,,,https://i.example/1.jpg,\nmug,,M-1,7,,\npot,Pot,P-1,7,,draft\n",
    )
    assert (report.added, len(report.errors), len(report.left_out), report.rows) == (1, 2, 2, 5)


def test_pictures_are_replaced_in_order_and_unchanged_ones_keep_their_rows(shop: Path) -> None:
    load(shop, "sku,title,images\nA,Shirt,red.jpg;green.jpg;blue.jpg\n")
    red, _, blue = pictures("A")
    main = select(PRODUCT_IMAGE.c.id).where(PRODUCT_IMAGE.c.position == 0)
    with connect() as connection:
        first = connection.execute(main).scalar()
    assert load(shop, "sku,title,images\nA,Shirt,red.jpg;blue.jpg\n").updated == 1
    assert pictures("A") == [red, blue]
    with connect() as connection:
        now = connection.execute(main).scalar()
    assert now == first
    assert load(shop, "sku,title,images\nA,Shirt,\n").updated == 1
    assert pictures("A") == []


def test_pictures_are_stored_by_hash_with_the_suffix_of_their_real_format(shop: Path) -> None:
    (shop / "images/lies.jpg").write_bytes(picture("red", kind="PNG"))
    (shop / "images/same.jpg").write_bytes(picture("red"))
    load(shop, "sku,title,images\nA,Shirt,lies.jpg\nB,Skirt,same.jpg\nC,Cap,red.jpg\n")
    stored = sorted(path.name for path in (shop / "media").rglob("*.*"))
    assert len(stored) == 2
    assert {Path(name).suffix for name in stored} == {".jpg", ".png"}
    assert pictures("B") == pictures("C") == [Path(n).stem for n in stored if n.endswith("jpg")]


def test_bad_rows_are_reported_and_good_rows_are_imported(shop: Path) -> None:
    rows = [
        ("GOOD,Fine,1,red.jpg", None),
        (",No sku,1,", "sku is missing"),
        ("NOTITLE,,1,", "title is missing"),
        ("PRICE,Shirt,cheap,", "price is not a number"),
        ("NEGATIVE,Shirt,-1,", "price is not a number"),
        ("INF,Shirt,inf,", "price is not a number"),
        ("HUGE,Shirt,99999999999,", "price is too large"),
        ("GOOD,Again,1,", "the SKU is already on line 2"),
        ("CELLS,Shirt", "2 cells, but the header has 4"),
        ("NUL,Sh\0irt,1,", "title contains a NUL"),
        ("LATIN,Caf\udce9,1,", "title is not UTF-8"),
        ("LONG," + "x" * 501 + ",1,", "title has 501 characters"),
        ('BROKEN,"a"b,1,', "malformed row"),
        ("LAST,Fine too,2,", None),
    ]
    content = "sku,title,price,images\n" + "\n".join(row for row, _ in rows) + "\n"
    report = load(shop, content.encode("utf-8", "surrogateescape"))
    found = reasons(report)
    for line, (_, reason) in enumerate(rows, start=2):
        if reason is None:
            assert line not in found
        else:
            assert reason in found[line]
    assert sorted(products()) == ["GOOD", "LAST"]
    assert (report.added, report.rows) == (2, len(rows))


def test_bad_picture_is_reported_and_its_product_is_imported_without_it(shop: Path) -> None:
    images = shop / "images"
    (images / "truncated.jpg").write_bytes(picture(size=(300, 300))[:900])
    (images / "text.jpg").write_text("no picture")
    (images / "empty.jpg").touch()
    bomb = BytesIO()
    Image.new("1", (10_000, 6_000)).save(bomb, "PNG")
    (images / "bomb.png").write_bytes(bomb.getvalue())
    (shop / "secret.jpg").write_bytes(picture())
    rows = [
        ("GONE,Shirt,gone.jpg", "no such file"),
        ("TRUNC,Shirt,truncated.jpg", "damaged or incomplete"),
        ("TEXT,Shirt,text.jpg", "not a picture"),
        ("EMPTY,Shirt,empty.jpg", "empty"),
        ("BOMB,Shirt,bomb.png", "pixels"),
        ("OUT,Shirt,../secret.jpg", "outside the picture folder"),
        ("ABSOLUTE,Shirt,/etc/passwd", "outside the picture folder"),
    ]
    content = "sku,title,images\n" + "\n".join(f"{row};red.jpg" for row, _ in rows) + "\n"
    report = load(shop, content)
    found = warnings(report)
    for line, (_, reason) in enumerate(rows, start=2):
        assert reason in found[line]
    assert (report.added, report.errors) == (len(rows), [])
    assert all(len(pictures(sku)) == 1 for sku in products())


def test_names_of_pictures_match_in_any_unicode_form(shop: Path) -> None:
    composed, decomposed = normalize("NFC", "Größe é.jpg"), normalize("NFD", "Größe ü.jpg")
    for name, colour in ((composed, "green"), (decomposed, "blue")):
        (shop / "images" / name).write_bytes(picture(colour))
    rows = [f"A,Shirt,{normalize('NFD', composed)}", f"B,Shirt,{normalize('NFC', decomposed)}"]
    report = load(shop, "sku,title,images\n" + "\n".join(rows) + "\n")
    assert warnings(report) == {}
    assert len(pictures("A")) == len(pictures("B")) == 1


def test_symbolic_link_out_of_the_folder_is_not_followed(shop: Path) -> None:
    (shop / "secret.jpg").write_bytes(picture())
    (shop / "images/link.jpg").symlink_to(shop / "secret.jpg")
    report = load(shop, "sku,title,images\nA,Shirt,link.jpg\n")
    assert "outside the picture folder" in warnings(report)[2]
    assert pictures("A") == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"sku": "A"}', "no column for title"),
        ('{"sku": ["A"], "title": "x"}', "sku is not a text"),
        ('{"sku": "A", "title": "x", "size": NaN}', "contains NaN"),
        ('{"sku": "A", "title": "x", "size": ["\\u0000"]}', "NUL"),
        ('{"sku": "A", "title": "x", "si\\u0000ze": "S"}', "the name 'si\\x00ze' contains a NUL"),
        ('{"sku": "A", "title": "\\ud800"}', "not UTF-8"),
        ('{"sku": "A", "title": "x", "price": true}', "price is not a text"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_bad_json_lines(shop: Path, line: str, reason: str) -> None:
    report = load(shop, line + '\n{"sku": "GOOD", "title": "Fine"}\n', "c.jsonl")
    assert reason in reasons(report)[1]
    assert sorted(products()) == ["GOOD"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.csv", b"", "the file is empty"),
        ("c.jsonl", b"\n", "the file is empty"),
        ("c.csv", b"name,price\n", "no column for sku in"),
        ("c.csv", b"nr,price\n", "sku and title in nr, price: .*'COLUMN=sku' --map 'COLUMN=title'"),
        ("c.csv", b"sku,price\n", "no column for title"),
        ("c.csv", b"sku,id,title\n", "both map to sku"),
        ("c.csv", b"sku,title,title\n", r"'title' \(column 2\) and 'title \(2\)' \(column 3\)"),
        ("c.csv", b"sku,title,size,size\n", r"has a column twice: .*--map 'size \(2\)='"),
        ("c.csv", "sku,title,größe\n".encode("cp1252"), "--encoding windows-1252"),
        ("c.xlsx", b"PK", "the file name must end in one of .csv"),
    ],
)
def test_unreadable_file_is_rejected(shop: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(FileError, match=message):
        load(shop, content, name)
    assert products() == {}


def test_wrong_mapping_lists_columns_and_fields(shop: Path) -> None:
    with pytest.raises(FileError, match="no column 'nope'; columns are sku, title"):
        load(shop, "sku,title\n", mapping={"nope": "colour"})
    with pytest.raises(FileError, match="no field 'color_of'; fields are sku, title"):
        load(shop, "sku,title,x\n", mapping={"x": "color_of"})


@pytest.mark.process
def test_rows_before_a_fatal_error_are_imported_and_reported(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.importing.sources.text_file.MAX_LINE", 1000)
    file = shop / "c.csv"
    rows = "".join(f"S{number},Thing {number}\n" for number in range(600))
    file.write_text(f"sku,title\nBAD,\n{rows}LAST,{'x' * 1000}\nBEHIND,Thing\n")
    with pytest.raises(CommandError) as stopped:
        call_command("import_catalog", str(file), errors=shop / "errors.csv", verbosity=0)
    assert stopped.value.returncode == 2
    reason = f"{file}: line 603 has more than 1,000 characters"
    assert str(stopped.value) == f"stopped after 601 rows: {reason}"
    output = capsys.readouterr()
    assert "600 added, 0 updated, 0 unchanged, 1 skipped" in output.out
    assert "line 2 (BAD): title is missing" in output.err
    assert (shop / "errors.csv").read_text().splitlines()[1:] == ["2,BAD,skipped,title is missing"]
    assert len(products()) == 600
    with connect() as connection:
        planned = "SELECT reltuples FROM pg_class WHERE oid = 'product'::regclass"
        assert connection.exec_driver_sql(planned).scalar() == 600


def waiting_sessions() -> int:
    """The number of database sessions that wait for a lock."""
    with connect() as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(connection.exec_driver_sql(query).scalar_one())


def test_concurrent_imports_in_opposite_order_do_not_deadlock(shop: Path) -> None:
    names = [f"S{number:02}" for number in range(20)]
    load(shop, "sku,title\n" + "".join(f"{sku},first\n" for sku in names))
    results: list[Report | Exception] = []

    def run(title: str, skus: list[str]) -> None:
        try:
            content = "sku,title\n" + "".join(f"{sku},{title}\n" for sku in skus)
            results.append(load(shop, content, f"{title}.csv"))
        except Exception as error:
            results.append(error)

    imports = [
        Thread(target=run, args=("up", names)),
        Thread(target=run, args=("down", names[::-1])),
    ]
    with connect() as connection:
        # Both imports stop at the row in the middle. Without IMPORT_LOCK each would by then have
        # locked the rows that the other one needs.
        middle = select(PRODUCT.c.id).where(PRODUCT.c.sku == "S10").with_for_update()
        connection.execute(middle)
        for each in imports:
            each.start()
        deadline = time.monotonic() + 60
        while waiting_sessions() < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    for each in imports:
        each.join()
    assert [getattr(result, "updated", result) for result in results] == [20, 20]


def test_dry_run_counts_and_changes_nothing(shop: Path) -> None:
    load(shop, "sku,title\nA,Shirt\n")
    report = load(
        shop, "sku,title,images\nA,Skirt,red.jpg\nB,New,blue.jpg\nC,Bad,gone.jpg\n", dry_run=True
    )
    assert (report.added, report.updated, len(report.warnings)) == (2, 1, 1)
    assert [product["title"] for product in products().values()] == ["Shirt"]
    assert not (shop / "media").exists()


def test_rows_left_out_are_named(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shop / "listings.txt"
    rows = [f"Mug\tÉ{number}\t5\tIncomplete" for number in range(5)]
    file.write_text("\n".join(["item-name\tseller-sku\tprice\tstatus", *rows]), "utf-8")
    call_command("import_catalog", str(file), "--dry-run")
    assert (
        "left out: line 2 (É0), line 3 (É1), line 4 (É2) and 2 more: an incomplete listing (status)"
        in capsys.readouterr().err
    )


@pytest.mark.process
def test_command_output_and_exit_status(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shop / "c.csv"
    file.write_text("sku,title,price\nA,Shirt,1\nB,Skirt,dear\n")
    with pytest.raises(SystemExit) as status:
        call_command("import_catalog", str(file), errors=shop / "errors.csv", verbosity=0)
    assert status.value.code == 1
    output = capsys.readouterr()
    assert "1 added, 0 updated, 0 unchanged, 1 skipped" in output.out
    assert "line 3 (B): price is not a number like 19.90: 'dear'" in output.err
    written = list(csv.DictReader((shop / "errors.csv").open()))
    assert [(row["line"], row["sku"]) for row in written] == [("3", "B")]
    file.write_text("sku,title,price,Bestand,image_url\nA,Shirt,1,0,nowhere\n")
    call_command("import_catalog", str(file), errors=shop / "errors.csv")  # only warnings: status 0
    output = capsys.readouterr()
    assert "1 updated, 0 unchanged, 0 skipped, 1 warning\n" in output.out
    assert "Read as a table separated by comma" in output.err
    assert "Fields: sku, title, price, image_url\nAttributes: Bestand\n" in output.err
    assert 'warning: "Bestand" may be stock' in output.err
    assert "No row has a picture.\n" in output.err
    assert "2,A,warning,image_url 'nowhere'" in (shop / "errors.csv").read_text()
    for arguments in (["nowhere.csv"], [str(file), "--map", "x"], [str(file), "--images", "no"]):
        with pytest.raises(CommandError) as misuse:
            call_command("import_catalog", *arguments, verbosity=0)
        assert misuse.value.returncode == 2


@pytest.mark.slow
@pytest.mark.process
def test_unwritable_error_file_is_reported_before_the_import(shop: Path) -> None:
    (shop / "c.csv").write_text("sku,title\nA,\nB,Shirt\n")
    (shop / "taken").touch()
    for errors in (shop, shop / "taken" / "errors.csv"):
        done = command("import_catalog", str(shop / "c.csv"), "--errors", str(errors))
        assert done.returncode == 2
        assert f"--errors: {errors}" in done.stderr
        assert "Traceback" not in done.stderr
    assert products() == {}
    kept = shop / "errors.csv"
    kept.write_text("those of last time")
    done = command("import_catalog", str(shop / "c.xlsx"), "--errors", str(kept))
    assert done.returncode == 2
    assert kept.read_text() == "those of last time"


@pytest.mark.process
def test_ctrl_c_keeps_and_reports_imported_rows(shop: Path) -> None:
    rows = "".join(f"S{number},Thing {number}\n" for number in range(100_000))
    (shop / "c.csv").write_text(f"sku,title\n{rows}")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "import_catalog", str(shop / "c.csv"), "-v", "0"],
        cwd=PROJECT,
        env=os.environ.copy(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 300
    while not products():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert f"{len(products())} added, 0 updated" in output
    assert said == "Stopped. Imported rows stay; the same command imports the others.\n"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_python("manage.py", *arguments)


@pytest.mark.slow
@needs_ecommerce
def test_the_photographs_catalogue_is_imported_unchanged(shop: Path) -> None:
    file, images = ECOMMERCE / "products.csv", ECOMMERCE / "images"
    report = import_catalog(file, images)
    assert (report.added, report.errors) == (2334, [])
    product = products()["42419"]
    assert product["title"] == "Gini and Jony Girls Knit White Top"
    assert (product["product_type"], product["subcategory"]) == ("Tops", "Topwear")
    assert product["attributes"] == {}
    assert import_catalog(file, images).unchanged == 2334


LAYERS = ("row_notes", "cells", "feeds", "columns", "product_row", "database sources report", "job")


def test_each_package_imports_only_from_those_below() -> None:
    place = {name: level for level, names in enumerate(LAYERS) for name in names.split()}
    root = PROJECT / "catalog" / "importing"
    for file in sorted(root.rglob("*.py")):
        own = file.relative_to(root).parts[0].removesuffix(".py")
        imported = re.findall(r"from catalog\.importing\.(\w+)", file.read_text())
        above = {
            it for it in imported if own != "__init__" and it != own and place[it] >= place[own]
        }
        assert not above, f"{file} imports from {above}"
