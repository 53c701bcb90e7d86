"""The admin's form accepts the same values as the importer, and reports errors."""

import re
from html import unescape
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from sqlalchemy import select

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.search.facets import enabled_facets
from catalog.tables import PRODUCT
from shop.models import Synonym
from tests.shop.admin_forms import submit

TYPED = {"sku": "A", "title": "Shirt", "price": "19.90", "attributes": "{}", "in_stock": "on"}
TYPED |= dict.fromkeys(("brand", "description", "category", "subcategory", "product_type"), "")
TYPED |= dict.fromkeys(("gender", "usage", "colour", "currency", "regular_price"), "")


def save(admin: Client, page: str = "add", **typed: str) -> str:
    """The error message of the form; empty if it was saved."""
    response = admin.post(f"/admin/shop/product/{page}/", {**TYPED, **typed})
    return "" if response.status_code == 302 else unescape(response.content.decode())


def product() -> dict[str, object]:
    with connect() as connection:
        return dict(connection.execute(select(PRODUCT)).mappings().one())


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ({"category": "x" * 9000}, "category has 9000 characters; the limit is 100"),
        ({"title": "x" * 501}, "title has 501 characters"),
        ({"title": " "}, "This field is required"),
        ({"currency": "EUROS"}, "currency has 5 characters"),
        ({"price": "-1"}, "price is not a number like 19.90"),
        ({"price": "1,299"}, "is ambiguous: write 1299.00 or 1.30"),
        ({"price": "inf"}, "price is not a number like 19.90"),
        ({"attributes": "[1,2]"}, "attributes is not an object"),
        ({"attributes": "{"}, "not JSON"),
        ({"attributes": "[" * 100_000}, "not JSON"),
        ({"attributes": '{"a": "\\u0000"}'}, "a contains a NUL character"),
        ({"attributes": '{"\\u0000": "a"}'}, "contains a NUL character"),
        ({"attributes": '{"a": NaN}'}, "a contains NaN"),
        ({"attributes": '{"a": "\\ud800"}'}, "a is not UTF-8"),
        ({"attributes": '{"a": 1' + "0" * 5000 + "}"}, "not JSON"),
    ],
)
def test_invalid_value_is_reported(admin: Client, typed: dict[str, str], reason: str) -> None:
    assert reason in save(admin, **typed)
    with connect() as connection:
        assert connection.execute(select(PRODUCT)).all() == []


def test_values_are_parsed_like_cells_of_a_file(admin: Client, tmp_path: Path) -> None:
    assert not save(admin, price="1.299,00", title=" Shirt ", attributes='{"sizes": "S;M"}')
    typed = product()
    assert (typed["title"], str(typed["price"])) == ("Shirt", "1299.00")
    assert typed["attributes"] == {"sizes": ["S", "M"]}
    file = tmp_path / "c.csv"
    file.write_text("sku,title,price,care\nA,Shirt,,wool\n")
    import_catalog(file)
    assert product()["attributes"] == {"sizes": ["S", "M"], "care": "wool"}


def test_saving_unchanged_values_changes_nothing(admin: Client) -> None:
    attributes = '{"cut": "größer", "sizes": ["S", "M"]}'
    save(admin, attributes=attributes)
    before = product()
    page = f"{before['id']}/change"
    shown = unescape(admin.get(f"/admin/shop/product/{page}/").content.decode())
    assert attributes in shown
    assert 'value="19.90"' in shown
    forms = dict(re.findall(r'name="([^"]*_FORMS)" value="(\d+)"', shown))
    assert not save(admin, page, attributes=attributes, **forms)
    assert product() | {"updated_at": before["updated_at"]} == before
    assert LogEntry.objects.latest("id").get_change_message() == "No fields changed."


def facet_rows(*columns: str) -> dict[str, tuple[object, ...]]:
    with connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT name, {', '.join(columns)} FROM facet")
        return {name: tuple(values) for name, *values in rows}


def facet_values() -> set[str]:
    with connect() as connection:
        return set(connection.exec_driver_sql("SELECT key FROM search.facet_value").scalars())


FACET = {"label": "Heel", "kind": "size", "position": "30", "enabled": "on", "role": ""}


def test_an_added_facet_is_stored_folded_and_has_values_at_once(admin: Client) -> None:
    save(admin, attributes='{"Heel Height": ["5 cm", "High"]}')
    response = admin.post("/admin/shop/facet/add/", {**FACET, "name": " Heel  HEIGHT "})
    assert response.status_code == 302
    assert facet_rows("label", "kind", "source")["heel height"] == ("Heel", "size", "admin")
    assert {"heel height=5 cm", "heel height=high"} <= facet_values()
    response = admin.post("/admin/shop/facet/add/", {**FACET, "name": "heel height"})
    assert "There is already a facet “heel height”." in response.content.decode()
    response = admin.post("/admin/shop/facet/add/", {**FACET, "name": "a=b"})
    assert "A name has letters or digits" in response.content.decode()


def test_an_edited_facet_becomes_the_admins_and_its_values_follow(admin: Client) -> None:
    save(admin, brand="Nord", colour="Red")
    changed = {**FACET, "label": "Make", "kind": "brand", "enabled": ""}
    assert admin.post("/admin/shop/facet/brand/change/", changed).status_code == 302
    assert facet_rows("label", "enabled", "source")["brand"] == ("Make", False, "admin")
    with connect() as connection:
        assert "brand" not in [facet.name for facet in enabled_facets(connection)]
    assert facet_values() == {"colour=red"}
    assert admin.get("/admin/shop/facet/").status_code == 200
    assert admin.post("/admin/shop/facet/brand/delete/", {"post": "yes"}).status_code == 403


PRODUCTS = "/admin/shop/product/"


def test_a_product_is_added_with_the_required_fields_of_the_empty_form(admin: Client) -> None:
    assert not submit(admin, f"{PRODUCTS}add/", sku="A", title="Shirt")
    added = product()
    assert (added["attributes"], added["price"], added["in_stock"]) == ({}, None, True)
    assert added["description"] == ""


@pytest.mark.parametrize("emptied", ["", "  \n", "null", "{}"])
def test_attributes_are_emptied(admin: Client, emptied: str) -> None:
    save(admin, attributes='{"cut": "slim"}')
    page = f"{PRODUCTS}{product()['id']}/change/"
    assert not submit(admin, page, attributes=emptied)
    assert product()["attributes"] == {}


def test_a_product_is_changed_and_deleted(admin: Client) -> None:
    save(admin, attributes='{"cut": "slim"}')
    add_failure()
    page = f"{PRODUCTS}{product()['id']}"
    assert not submit(admin, f"{page}/change/", title="Blouse", price="")
    changed = product()
    assert (changed["title"], changed["price"]) == ("Blouse", None)
    assert changed["attributes"] == {"cut": "slim"}
    assert "Are you sure" in admin.get(f"{page}/delete/").content.decode()
    assert admin.post(f"{page}/delete/", {"post": "yes"}).status_code == 302
    with connect() as connection:
        for table in ("product", "embedding_failure"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


def test_selected_products_are_deleted(admin: Client) -> None:
    for sku in ("A", "B"):
        save(admin, sku=sku)
    with connect() as connection:
        ids = connection.execute(select(PRODUCT.c.id)).scalars().all()
    asked = {"action": "delete_selected", "_selected_action": [str(it) for it in ids]}
    assert "Are you sure" in admin.post(PRODUCTS, asked).content.decode()
    assert admin.post(PRODUCTS, asked | {"post": "yes"}).status_code == 302
    with connect() as connection:
        assert connection.execute(select(PRODUCT)).all() == []


def test_a_facet_is_added_with_the_required_fields_of_the_empty_form(admin: Client) -> None:
    assert not submit(admin, "/admin/shop/facet/add/", name="cut", label="Cut", position="50")
    assert facet_rows("kind", "enabled", "role", "source")["cut"] == ("other", True, "", "admin")
    assert not submit(admin, "/admin/shop/facet/cut/change/", label="Shape")
    assert facet_rows("label")["cut"] == ("Shape",)


def test_the_list_of_facets_is_saved_as_it_comes(admin: Client) -> None:
    before = facet_rows("label", "kind", "position", "enabled", "role", "source")
    assert not submit(admin, "/admin/shop/facet/")
    assert facet_rows("label", "kind", "position", "enabled", "role", "source") == before


def test_a_synonym_is_added_with_the_required_fields_of_the_empty_form(admin: Client) -> None:
    page = "/admin/shop/synonym/"
    assert not submit(admin, f"{page}add/", phrase="treter", meaning="sneakers")
    synonym = Synonym.objects.get()
    assert (synonym.relation, synonym.language, synonym.enabled) == ("both", "", True)
    assert not submit(admin, f"{page}{synonym.pk}/change/", meaning="boots")
    assert Synonym.objects.get().meaning == "boots"
    assert admin.post(f"{page}{synonym.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Synonym.objects.exists()


def test_failures_are_shown_and_not_edited(admin: Client) -> None:
    save(admin)
    add_failure()
    page = "/admin/shop/embeddingfailure/"
    shown = admin.get(page).content.decode()
    assert "broken" in shown
    row = "<tr><th>fashion</th><td>text</td><td>0</td><td>0</td><td>0</td><td>1</td></tr>"
    assert row in shown  # embedded, stale, missing, failed
    assert admin.get(f"{page}add/").status_code == 403
    with connect() as connection:
        number = connection.exec_driver_sql("SELECT id FROM embedding_failure").scalar()
    assert admin.get(f"{page}{number}/change/").status_code == 200
    assert admin.post(f"{page}{number}/delete/", {"post": "yes"}).status_code == 403


def add_failure() -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO embedding_failure (model, product_id, source, reason)"
            " SELECT 'fashion', id, document_md5, 'broken' FROM product"
        )
