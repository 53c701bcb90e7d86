"""Files that contain the complete catalogue: what is missing from them is hidden or deleted."""

import csv
from pathlib import Path
from typing import get_args

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from catalog.db.connection import connect
from catalog.importing import CompleteCatalogue, FileError, MissingProductsError, import_catalog
from catalog.importing.database.missing_products import MAX_SHARE, Action
from catalog.tables import IMAGE_ADDRESS, PRODUCT, PRODUCT_IMAGE
from tests.catalog.test_importing import load, products, shop

pytestmark = pytest.mark.slow
__all__ = ["shop"]


def in_stock() -> set[str]:
    return {sku for sku, product in products().items() if product["in_stock"]}


def rows(*skus: str, header: str = "sku,title") -> str:
    return "\n".join([header, *(f"{sku},Thing {sku}" for sku in skus)]) + "\n"


TEN = [f"S{number}" for number in range(10)]


def test_missing_products_are_hidden_and_come_back(shop: Path) -> None:
    load(shop, rows(*TEN))
    report = load(shop, rows(*TEN[2:]), complete=CompleteCatalogue())
    assert (report.unchanged, report.missing) == (8, TEN[:2])
    assert in_stock() == {*TEN[2:]}
    again = load(shop, rows(*TEN[2:]), complete=CompleteCatalogue())
    assert (again.unchanged, again.missing) == (8, [])
    back = load(shop, rows(*TEN), complete=CompleteCatalogue())
    assert (back.updated, back.missing) == (2, [])
    assert in_stock() == {*TEN}


def test_the_stock_of_the_file_counts(shop: Path) -> None:
    content = "sku,title,in_stock\nA,Thing,no\nB,Thing,\nC,Thing,3\n"
    load(shop, content, complete=CompleteCatalogue())
    assert in_stock() == {"B", "C"}


def test_deleted_products_leave_nothing_behind(shop: Path) -> None:
    header = "sku,title,images,image_url"
    lines = [f"{sku},Thing,red.jpg;blue.jpg,https://a.example/{sku}.jpg" for sku in TEN]
    load(shop, "\n".join([header, *lines]))
    report = load(
        shop, "\n".join([header, *lines[1:]]), complete=CompleteCatalogue(action="delete")
    )
    assert report.missing == ["S0"]
    assert set(products()) == {*TEN[1:]}
    with connect() as connection:
        for table, count in ((PRODUCT_IMAGE, 18), (IMAGE_ADDRESS, 9)):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == count


def test_more_than_a_fifth_never_go_unless_forced(shop: Path) -> None:
    load(shop, rows(*TEN))
    with pytest.raises(MissingProductsError, match=r"^3 of 10 products in stock are missing"):
        load(shop, rows(*TEN[3:], "NEW"), complete=CompleteCatalogue())
    assert in_stock() == {*TEN, "NEW"}
    with pytest.raises(MissingProductsError, match=r"^11 of 11 products are missing"):
        load(
            shop,
            rows(*(f"N{number}" for number in range(100))),
            complete=CompleteCatalogue("delete"),
        )
    assert len(in_stock()) == 111
    load(shop, rows("NEW"), complete=CompleteCatalogue("hide", force=True))
    assert in_stock() == {"NEW"}


def test_an_empty_file_removes_nothing_even_if_forced(shop: Path) -> None:
    load(shop, rows(*TEN))
    with pytest.raises(MissingProductsError, match="there are no products in it"):
        load(shop, "sku,title\n", complete=CompleteCatalogue("delete", force=True))
    assert in_stock() == {*TEN}


def test_a_rejected_row_is_not_missing(shop: Path) -> None:
    load(shop, rows(*TEN, "Ä/ö", " 7"))
    content = "sku,title,price\n" + "".join(f"{sku},Thing,1\n" for sku in TEN)
    content += "Ä/ö,Thing,cheap\n7,,1\n"
    complete = CompleteCatalogue("delete", force=True)
    report = load(shop, content, complete=complete)
    assert [error.sku for error in report.errors] == ["Ä/ö", "7"]
    assert report.missing == []
    assert in_stock() == {*TEN, "Ä/ö", "7"}


@pytest.mark.parametrize("line", ["S9,a,b", ",Thing", 'S9,"Thing" x'])
def test_nothing_goes_while_a_sku_is_unknown(shop: Path, line: str) -> None:
    load(shop, rows(*TEN))
    complete = CompleteCatalogue("delete", force=True)
    report = load(shop, rows(*TEN[:9]) + line + "\n", complete=complete)
    assert complete.without_sku == [11]
    assert report.missing == []
    assert in_stock() == {*TEN}


def test_drafts_of_a_feed_are_missing(shop: Path) -> None:
    header = "Handle,Title,Variant SKU,Variant Price,Status\n"
    feed = [f"{sku},Thing,{sku},1,active\n" for sku in TEN]
    load(shop, header + "".join(feed))
    draft = feed[0].replace("active", "draft")
    report = load(shop, header + draft + "".join(feed[1:]), complete=CompleteCatalogue())
    assert (report.unchanged, len(report.left_out), report.missing) == (9, 1, ["S0"])


def test_nothing_goes_if_the_file_ends_early(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(shop, rows(*TEN))

    def broken(*_: object) -> object:
        yield from ()
        raise FileError("the disk is gone")

    monkeypatch.setattr("catalog.importing.job.read_rows", broken)
    with pytest.raises(FileError):
        load(shop, rows(*TEN), complete=CompleteCatalogue("delete", force=True))
    assert in_stock() == {*TEN}


def test_a_dry_run_says_what_would_go(shop: Path) -> None:
    load(shop, rows(*TEN))
    before = products()
    for action in get_args(Action):
        complete = CompleteCatalogue(action)
        assert load(shop, rows(*TEN[1:]), complete=complete, dry_run=True).missing == ["S0"]
    assert products() == before


SKUS = st.sets(st.sampled_from([*"ABCDEFGH", "a", "Ä", "a b", "x,y", "'", "%s", "{}", "\\", "N/A"]))


def test_what_is_in_stock_is_what_the_file_has(shop: Path) -> None:
    file = shop / "c.csv"

    def write(skus: set[str]) -> Path:
        with file.open("w", newline="", encoding="utf-8") as stream:
            rows = [("sku", "title"), *((sku, "Thing") for sku in sorted(skus))]
            csv.writer(stream).writerows(rows)
        return file

    @given(before=SKUS, after=SKUS, action=st.sampled_from(get_args(Action)))
    def check(before: set[str], after: set[str], action: Action) -> None:
        with connect() as connection:
            connection.exec_driver_sql("TRUNCATE product CASCADE")
        import_catalog(write(before))
        lost = before - after
        try:
            report = import_catalog(write(after), complete=CompleteCatalogue(action))
        except MissingProductsError:
            assert len(lost) > MAX_SHARE * len(before) or not after
            assert in_stock() == before | after
        else:
            assert set(report.missing) == lost
            assert in_stock() == after
            assert set(products()) == (before | after if action == "hide" else after)

    check()


# -- the command


def test_command_reports_what_is_hidden(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(shop, rows(*TEN))
    (shop / "c.csv").write_text(rows(*TEN[1:]))
    errors = shop / "errors.csv"
    call_command("import_catalog", str(shop / "c.csv"), complete=True, errors=errors, verbosity=0)
    said = capsys.readouterr()
    assert said.out == ("0 added, 0 updated, 9 unchanged, 0 skipped, 1 marked out of stock\n")
    assert said.err == "S0: missing: marked out of stock\n"
    assert errors.read_text().splitlines() == [
        "line,sku,kind,reason",
        ",S0,missing,marked out of stock",
    ]


def test_command_refuses_with_status_2_and_names_the_demo(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from demo.products import find_products

    (drawn,) = find_products({"SN-0001"})
    with connect() as connection:
        row = {name: drawn.row()[name] for name in ("title", "description", "brand")}
        connection.execute(PRODUCT.insert().values(sku=drawn.sku, **row))
    (shop / "c.csv").write_text(rows("A", "B"))
    with pytest.raises(CommandError, match="1 of 1 products in stock are missing") as refused:
        call_command("import_catalog", str(shop / "c.csv"), complete=True, verbosity=0)
    assert refused.value.returncode == 2
    said = capsys.readouterr()
    assert said.out.startswith("2 added, ")
    assert "./manage.py demo --remove" in said.err


def test_command_says_why_nothing_goes(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "c.csv").write_text("sku,title\nA,Thing\n,Thing\n")
    with pytest.raises(SystemExit) as end:
        call_command("import_catalog", str(shop / "c.csv"), complete=True, verbosity=0)
    assert end.value.code == 1
    assert "No missing product was marked out of stock: the SKU on line 3 is unknown" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"missing": "hide"}, "--missing and --force require --complete"),
        ({"force": True}, "--missing and --force require --complete"),
        ({"database": "sqlite:///a.db"}, "--database requires --from-sql"),
        ({"from_sql": Path("q.sql")}, "name either a file or --from-sql FILE"),
    ],
)
def test_options_that_do_not_go_together(
    database: str, options: dict[str, object], reason: str
) -> None:
    with pytest.raises(CommandError, match=reason) as refused:
        call_command("import_catalog", "c.csv", **options)
    assert refused.value.returncode == 2
