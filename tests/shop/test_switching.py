"""From one model to the next while shoppers search: filled, chosen, and the old one dropped."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from threading import Event, Thread

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings

from catalog import config
from catalog.active_models import default_model
from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import fill
from catalog.indexing.calibrate import calibrate
from catalog.search.pipeline import SearchSpec, search
from tests.catalog.test_search import picture
from tests.conftest import PROJECT
from tests.fakes import WordsAndColours
from tests.shop.test_pictures import PLAIN_STORAGE

ENCODERS = {name: WordsAndColours(name) for name in ("fashion", "clip")}
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", "weights")


class Shopper:
    """Searches again and again, and notes what went wrong and which model answered."""

    def __init__(self) -> None:
        self.searches = 0
        self.wrong: list[str] = []
        self.models: list[str] = []

    def search(self) -> None:
        try:
            with connect() as connection:
                spec = SearchSpec(text="red shirt", min_match=0.0)
                results = search(connection, spec, ENCODERS.__getitem__)
        except Exception as error:
            self.wrong.append(f"{type(error).__name__}: {error}")
        else:
            self.searches += 1
            if not results.hits or results.notes:
                self.wrong.append(f"{len(results.hits)} hits, {results.notes}")
            else:
                self.models.append(results.hits[0].signals[0].model)


@contextmanager
def shopping() -> Iterator[Shopper]:
    shopper, stop = Shopper(), Event()

    def loop() -> None:
        while not stop.is_set():
            shopper.search()

    thread = Thread(target=loop)
    thread.start()
    try:
        yield shopper
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def shop(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA_ROOT", str(tmp_path / "media"))
    monkeypatch.setenv("MODELS", "fashion,clip")
    (tmp_path / "red.png").write_bytes(picture("red"))
    rows = "".join(f"S{number},red shirt {number},red.png\n" for number in range(150))
    (tmp_path / "c.csv").write_text("sku,title,images\n" + rows)
    import_catalog(tmp_path / "c.csv", tmp_path)
    for modality in ENCODERS["fashion"].spec.modalities:
        fill(ENCODERS["fashion"], modality)


def test_a_model_takes_over_and_the_old_one_goes_without_a_failed_search(
    shop: None, tmp_path: Path
) -> None:
    copy = tmp_path / "project"  # the command changes the project's own files
    shutil.copytree(PROJECT, copy, ignore=LEFT_OUT)
    with shopping() as shopper:
        with pytest.raises(CommandError, match=r"text: 0 of 150.*--force") as caught:
            call_command("set_default_model", "clip")
        assert caught.value.returncode == 1
        for modality in ENCODERS["clip"].spec.modalities:
            fill(ENCODERS["clip"], modality)
        assert set(shopper.models) == {"fashion"}
        call_command("set_default_model", "clip")
        with connect() as connection:
            assert default_model(connection) == "clip"
            in_sql = connection.exec_driver_sql("SELECT search.find_model(NULL, 'text')").scalar()
        assert in_sql == "clip"
        seen = len(shopper.models)
        while len(shopper.models) < seen + 5:
            assert not shopper.wrong
        assert shopper.models[-1] == "clip"
        dropped = subprocess.run(
            [sys.executable, "manage.py", "drop_model", "fashion"],
            cwd=copy,
            env=os.environ | {"MODELS": "clip,imagenet"},
            capture_output=True,
            text=True,
        )
        assert dropped.returncode == 0, dropped.stderr
        seen = len(shopper.models)
        while len(shopper.models) < seen + 5:
            assert not shopper.wrong
    assert not shopper.wrong
    assert shopper.searches > 20
    assert list((copy / "migrations" / "versions").glob("*_drop_fashion.py"))
    assert not (copy / "embedding" / "registry" / "fashion.toml").exists()
    with connect() as connection:
        tables = connection.exec_driver_sql(
            "SELECT relname FROM pg_class WHERE relname LIKE 'fashion%%' AND relkind = 'r'"
        )
        assert tables.scalars().all() == []


def test_variants_are_found_by_the_new_models_pictures(shop: None) -> None:
    for name, encoder in ENCODERS.items():
        for modality in encoder.spec.modalities:
            fill(encoder, modality)
        with connect() as connection:
            assert calibrate(connection, encoder) == 150
        call_command("set_default_model", name, verbosity=0)
        with connect() as connection:
            sql = "SELECT model, count(*) FROM product_variant GROUP BY model"
            assert connection.exec_driver_sql(sql).all() == [(name, 150)]


def test_forced_it_switches_below_full_coverage(shop: None) -> None:
    call_command("set_default_model", "clip", force=True)
    with connect() as connection:
        assert default_model(connection) == "clip"


@pytest.mark.parametrize(
    ("arguments", "reason", "status"),
    [
        (["set_default_model", "nothing"], "no model is called 'nothing'", 2),
        (["set_default_model", "imagenet"], "not in use: add it to MODELS", 1),
        (["drop_model", "nothing"], "no model is called 'nothing'", 2),
        (["drop_model", "fashion"], "is the default model", 2),
    ],
)
def test_what_cannot_be_done_is_said(
    shop: None, arguments: list[str], reason: str, status: int
) -> None:
    with pytest.raises(CommandError, match=reason) as caught:
        call_command(*arguments)
    assert caught.value.returncode == status


@pytest.mark.parametrize("in_use", ["fashion,imagenet", "imagenet"])
def test_words_are_found_where_the_default_model_only_sees(
    shop: None, in_use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS", in_use)
    call_command("set_default_model", "imagenet", force=True)
    with override_settings(STORAGES=PLAIN_STORAGE):
        headers = {"host": "localhost", "referer": "http://localhost/"}
        page = Client(headers=headers).get("/", {"q": "red shirt 7", "min_match": "0"})
    assert page.status_code == HTTPStatus.OK
    assert re.findall(r'href="/product/([^"?/]+)', page.content.decode())[0] == "S7"
    note = "No single model in use understands words; found by words alone."
    assert (note in page.content.decode()) == (in_use == "imagenet")
    with connect() as connection:  # nobody is asked to embed words with a model that cannot
        asked = connection.exec_driver_sql("SELECT model FROM query_embedding").scalars().all()
    assert set(asked) == set(in_use.split(",")) - {"imagenet"}


def test_a_choice_that_is_no_longer_in_use_is_passed_over(
    shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("set_default_model", "clip", force=True)
    monkeypatch.setenv("MODELS", "fashion,imagenet")
    with connect() as connection:
        assert default_model(connection) == "fashion"
    assert config.settings().models == ("fashion", "imagenet")
