"""Adding, switching and dropping models while shoppers search."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from threading import Event, Thread

import pytest
from alembic import command
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.test import Client, override_settings
from sqlalchemy.exc import DBAPIError

from catalog import config
from catalog.active_models import default_model, stored_models
from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import fill
from catalog.indexing.calibrate import calibrate
from catalog.indexing.planned_switch import cancel_switch, plan_switch
from catalog.query_log import remember
from catalog.search.filters import Filters
from catalog.search.pipeline import SearchError, SearchSpec, search
from catalog.sqlapi.objects import differences
from embedding.encoder import EncoderError
from embedding.registry import UnknownModel, get_spec
from shop.management.commands import add_model, set_default_model
from tests.catalog.test_search import picture
from tests.conftest import alembic_config, fresh_database, prepared_database, repetitions
from tests.fakes import WordsAndColours
from tests.shop.test_pictures import PLAIN_STORAGE

pytestmark = pytest.mark.slow

ENCODERS = {name: WordsAndColours(name) for name in ("fashion", "clip")}


class Shopper:
    """Searches repeatedly, and records errors and the models that were used."""

    def __init__(self, model: str = "") -> None:
        self.model = model
        self.searches = 0
        self.wrong: list[str] = []
        self.models: list[str] = []

    def search(self) -> None:
        try:
            with connect() as connection:
                spec = SearchSpec(text="red shirt", min_match=0.0, model=self.model)
                results = search(connection, spec, ENCODERS.__getitem__)
        except Exception as error:
            if not (self.model and "has no tables" in str(error)):
                self.wrong.append(f"{type(error).__name__}: {error}")
        else:
            self.searches += 1
            if not results.hits or results.notes:
                self.wrong.append(f"{len(results.hits)} hits, {results.notes}")
            else:
                self.models.append(results.hits[0].signals[0].model)

    def wait_for_five(self) -> None:
        """Wait for five more searches."""
        seen = len(self.models)
        while len(self.models) < seen + 5:
            assert not self.wrong
            time.sleep(0.01)


@contextmanager
def shopping(model: str = "") -> Iterator[Shopper]:
    shopper, stop = Shopper(model), Event()

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


@pytest.fixture(scope="module")
def catalogue(
    template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """A database with 150 products, embedded by `fashion`, and its folder of pictures."""
    folder = tmp_path_factory.mktemp("catalogue")

    def build() -> None:
        (folder / "red.png").write_bytes(picture("red"))
        rows = "".join(f"S{number},red shirt {number},red.png\n" for number in range(150))
        (folder / "c.csv").write_text("sku,title,images\n" + rows)
        import_catalog(folder / "c.csv", folder)
        for modality in ENCODERS["fashion"].spec.modalities:
            fill(ENCODERS["fashion"], modality)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDIA_ROOT", str(folder / "media"))
        with prepared_database(template, build) as name:
            yield name, folder / "media"


@pytest.fixture
def shop(
    catalogue: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    name, media = catalogue
    monkeypatch.setenv("MEDIA_ROOT", str(media))
    monkeypatch.setenv("MODELS", "fashion,clip")
    monkeypatch.setattr(add_model, "load_encoder", lambda spec: None)  # no model has files here
    (tmp_path / "mine").mkdir()  # the checkpoint of `MINE`
    with fresh_database(name):
        yield


@contextmanager
def filling() -> Iterator[list[str]]:
    """Embeds texts and pictures repeatedly; yields the errors."""
    wrong: list[str] = []
    stop = Event()

    def loop() -> None:
        while not stop.is_set():
            for modality in ENCODERS["fashion"].spec.modalities:
                try:
                    summary = fill(ENCODERS["fashion"], modality, rebuild=True)
                    assert summary.embedded == 150
                except Exception as error:
                    wrong.append(f"{type(error).__name__}: {error}")

    thread = Thread(target=loop)
    thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        thread.join()


@pytest.mark.process
def test_no_search_fails_while_a_model_is_replaced(
    shop: None,
) -> None:
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
            in_sql = connection.exec_driver_sql(
                "SELECT search_internal.find_model(NULL, 'text')"
            ).scalar()
        assert in_sql == "clip"
        shopper.wait_for_five()
        assert shopper.models[-1] == "clip"
        call_command("drop_model", "fashion")
        shopper.wait_for_five()
    assert not shopper.wrong
    with connect() as connection:
        assert connection.exec_driver_sql(LEFT).scalars().all() == []
        for table in ("calibration", "query_embedding", "embedding_failure", "embedding_version"):
            sql = f"SELECT count(*) FROM {table} WHERE model = 'fashion'"
            assert connection.exec_driver_sql(sql).scalar() == 0
        with pytest.raises(SearchError, match=r"fashion has no tables: run .* add_model fashion"):
            search(connection, SearchSpec(text="red", model="fashion"), ENCODERS.__getitem__)
    command.check(alembic_config())
    call_command("add_model", "fashion")
    command.check(alembic_config())
    with connect() as connection:
        assert differences(connection) == []


LEFT = """
SELECT relname FROM pg_class WHERE relname LIKE 'fashion%%'
 UNION ALL
SELECT proname FROM pg_proc WHERE proname LIKE '%%fashion'
 UNION ALL
SELECT attname FROM pg_attribute WHERE attname LIKE 'fashion%%' AND NOT attisdropped
"""


def test_models_are_added_and_dropped_during_searches_and_fills(
    shop: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    (tmp_path / "mine.toml").write_text(MINE)
    fill(ENCODERS["clip"], "text")
    with shopping() as shopper, shopping("clip") as other, filling() as wrong:
        while not other.searches:
            assert not other.wrong
            time.sleep(0.01)
        for _ in range(repetitions(2, 10)):
            fill(ENCODERS["clip"], "text")
            call_command("drop_model", "clip")
            call_command("add_model", str(tmp_path / "mine.toml"))
            call_command("add_model", "clip")
            call_command("drop_model", "mine")
        shopper.wait_for_five()
    assert shopper.wrong == other.wrong == wrong == []
    assert other.searches
    assert (tmp_path / "var" / "registry" / "mine.toml").exists()
    command.check(alembic_config())


MINE = """
name = "mine"
label = "Mine"
summary = "A model for a test."
loader = "checkpoint"
checkpoint = "./mine"
dimensions = 8
modalities = ["image", "text"]
licence = "MIT"
"""


def test_added_model_has_the_same_objects_as_others(
    shop: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    (tmp_path / "mine.toml").write_text(MINE)
    with connect() as connection:
        connection.exec_driver_sql("CREATE VIEW seen AS SELECT * FROM search.product_vectors")
        with pytest.raises(UnknownModel):
            get_spec("mine")
    call_command("add_model", str(tmp_path / "mine.toml"))
    call_command("add_model", str(tmp_path / "mine.toml"))  # the second call changes nothing
    assert get_spec("mine").checkpoint == str(tmp_path / "mine")
    with connect() as connection:
        indexes = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'mine_%%_hnsw'"
        )
        assert indexes.scalar() == 2
        connection.exec_driver_sql("SET LOCAL ROLE analyst")
        connection.exec_driver_sql("SELECT * FROM mine_text, mine_image")
        connection.exec_driver_sql("SELECT mine_text, mine_image FROM search.product_vectors")
        connection.exec_driver_sql("SELECT * FROM search.similar('S1', 'fashion')")
        with pytest.raises(DBAPIError, match="has no such embedding"):
            connection.exec_driver_sql("SELECT * FROM search.similar('S1', 'mine')")
    with pytest.raises(CommandError, match=r"view public\.seen depends on search\.product_vectors"):
        call_command("drop_model", "mine")
    with connect() as connection:
        connection.exec_driver_sql("SELECT * FROM mine_text, seen")
        connection.exec_driver_sql("DROP VIEW seen")
        connection.exec_driver_sql("CREATE VIEW seen AS SELECT * FROM mine_image")
    with pytest.raises(CommandError, match=r"view public\.seen depends on public\.mine_image"):
        call_command("drop_model", "mine")


def test_model_without_tables_is_reported_and_others_work(
    shop: None,
) -> None:
    call_command("drop_model", "clip")
    for arguments in (["embed_catalog"], ["set_default_model", "clip"]):
        with pytest.raises(CommandError, match="add_model clip") as caught:
            call_command(*arguments)
        assert caught.value.returncode == 2
    with override_settings(STORAGES=PLAIN_STORAGE):
        shopper = Client(headers={"host": "localhost", "referer": "http://localhost/"})
        page = shopper.get("/", {"q": "red shirt 7", "min_match": "0"})
        assert re.findall(r'href="/product/([^"?/]+)', page.content.decode())[0] == "S7"
    with pytest.raises(SystemCheckError, match="add_model clip"):
        call_command("check", databases=["default"], fail_level="WARNING")


def test_conflicting_tables_are_rejected(
    shop: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    with connect() as connection:
        connection.exec_driver_sql("CREATE TABLE mine_image (id int)")
    (tmp_path / "mine.toml").write_text(MINE)
    with pytest.raises(CommandError, match="already has a table mine_image"):
        call_command("add_model", str(tmp_path / "mine.toml"))
    with connect() as connection:
        assert connection.exec_driver_sql("SELECT to_regclass('mine_text')").scalar() is None
        connection.exec_driver_sql("DROP TABLE mine_image")
    entry = tmp_path / "var" / "registry" / "mine.toml"
    assert not entry.exists()
    call_command("add_model", str(tmp_path / "mine.toml"))
    entry.write_text(entry.read_text().replace("dimensions = 8", "dimensions = 9"))
    with pytest.raises(CommandError, match=r"in 8 dimensions, but its entry says .* in 9"):
        call_command("add_model", "mine")


def test_commands_say_where_the_entry_is(
    shop: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    (tmp_path / "mine.toml").write_text(MINE)
    entry = tmp_path / "var" / "registry" / "mine.toml"
    call_command("add_model", str(tmp_path / "mine.toml"))
    assert f"Copied the entry of mine to {entry}" in capsys.readouterr().out
    call_command("add_model", str(tmp_path / "mine.toml"))
    assert "Copied" not in capsys.readouterr().out
    call_command("drop_model", "mine")
    assert f"Its entry stays in {entry}" in capsys.readouterr().out


def test_missing_local_checkpoint_is_refused(
    shop: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    (tmp_path / "mine.toml").write_text(MINE.replace("./mine", "./nothing"))
    with pytest.raises(CommandError, match="nothing is not a folder"):
        call_command("add_model", str(tmp_path / "mine.toml"))
    assert not (tmp_path / "var" / "registry" / "mine.toml").exists()
    with connect() as connection:
        assert connection.exec_driver_sql("SELECT to_regclass('mine_text')").scalar() is None


def test_no_tables_remain_if_the_entry_cannot_be_copied(
    shop: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    (tmp_path / "var").write_text("not a folder")
    (tmp_path / "mine.toml").write_text(MINE)
    with pytest.raises(CommandError, match=r"Not a directory|File exists"):
        call_command("add_model", str(tmp_path / "mine.toml"))
    with connect() as connection:
        assert connection.exec_driver_sql("SELECT to_regclass('mine_text')").scalar() is None


def test_default_model_of_other_processes_is_not_dropped(
    shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("set_default_model", "clip", force=True)
    monkeypatch.setenv("MODELS", "fashion")
    with pytest.raises(CommandError, match="clip is the default model"):
        call_command("drop_model", "clip")


def test_planned_default_model_is_not_dropped(shop: None) -> None:
    for modality in ENCODERS["clip"].spec.modalities:
        fill(ENCODERS["clip"], modality)
    with connect() as connection:
        plan_switch(connection, "clip")
    with pytest.raises(CommandError, match="clip is planned as the next default model"):
        call_command("drop_model", "clip")
    with connect() as connection:
        assert "clip" in stored_models(connection)
        cancel_switch(connection)
    call_command("drop_model", "clip")
    with connect() as connection:
        assert "clip" not in stored_models(connection)


@pytest.mark.parametrize("name", ["lexical", "exact", "fan", "user"])
def test_models_with_unusual_names_work_in_sql_and_the_storefront(
    shop: None, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tmp_path / "registry"))
    (tmp_path / "registry").mkdir()
    (tmp_path / "mine.toml").write_text(MINE.replace('"mine"', f'"{name}"'))
    call_command("add_model", str(tmp_path / "mine.toml"))
    encoder = WordsAndColours(name)
    for modality in encoder.spec.modalities:
        fill(encoder, modality)
    with connect() as connection:
        spec = SearchSpec(text="red shirt 7", model=name, min_match=0.0, filters=CHEAP, limit=240)
        expected = [hit.sku for hit in search(connection, spec, lambda _: encoder)]
        vector = encoder.encode_texts(["red shirt 7"])[0]
    remember("red shirt 7", [(name, vector)], 1, is_filtered=False)
    with connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT sku FROM search.products('red shirt 7', %(name)s, in_stock => true,"
            " min_match => 0)",
            {"name": name},
        )
        assert found.scalars().all() == expected
        assert len(expected) == 150


CHEAP = Filters(in_stock=True)


def test_stored_queries_are_embedded_before_the_switch(
    shop: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for modality in ENCODERS["clip"].spec.modalities:
        fill(ENCODERS["clip"], modality)
    for words in ("red shirt", "blue jeans", "blue jeans", "\u725b", "red shoe", "red shoe"):
        vector = ENCODERS["fashion"].encode_texts([words])[0]
        remember(words, [("fashion", vector)], 1, is_filtered=False)
    saved = "SELECT count(*) FROM search.products('%s', min_match => 0)"
    loads: list[str] = []

    def load(name: str) -> WordsAndColours:
        loads.append(name)
        return ENCODERS[name]

    monkeypatch.setattr(set_default_model, "stored_encoder", load)
    call_command("set_default_model", "clip", queries=2, verbosity=0)
    assert "clip: 2 stored queries embedded" in capsys.readouterr().out
    with connect() as connection:
        rows = connection.exec_driver_sql("SELECT text FROM query_embedding WHERE model = 'clip'")
        assert set(rows.scalars()) == {"blue jeans", "red shoe"}  # the most frequent ones
        assert connection.exec_driver_sql(saved % "red shoe").scalar()
        with pytest.raises(DBAPIError, match="embed"):
            connection.exec_driver_sql(saved % "red shirt")
    call_command("set_default_model", "clip", verbosity=0)
    with connect() as connection:
        assert connection.exec_driver_sql(saved % "red shirt").scalar()
        unread = "SELECT count(*) FROM query_embedding WHERE model = 'clip' AND text = '\u725b'"
        assert connection.exec_driver_sql(unread).scalar() == 0
    loads.clear()
    call_command("set_default_model", "fashion", verbosity=0)
    assert loads == []  # nothing is left to embed


def test_a_model_that_cannot_be_loaded_becomes_the_default_only_without_queries(
    shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> WordsAndColours:
        raise EncoderError("no weights")

    monkeypatch.setattr(set_default_model, "stored_encoder", broken)
    vector = ENCODERS["fashion"].encode_texts(["red shirt"])[0]
    remember("red shirt", [("fashion", vector)], 1, is_filtered=False)
    with pytest.raises(CommandError, match="no weights") as caught:
        call_command("set_default_model", "clip", force=True)
    assert caught.value.returncode == 2
    with connect() as connection:
        assert default_model(connection) == "fashion"
    call_command("set_default_model", "clip", force=True, no_queries=True)
    with connect() as connection:
        assert default_model(connection) == "clip"


def test_variants_are_found_with_the_new_model(shop: None) -> None:
    for name, encoder in ENCODERS.items():
        for modality in encoder.spec.modalities:
            fill(encoder, modality)
        assert calibrate(encoder) == 150
        call_command("set_default_model", name, verbosity=0)
        with connect() as connection:
            sql = "SELECT model, count(*) FROM product_variant GROUP BY model"
            assert connection.exec_driver_sql(sql).all() == [(name, 150)]


def test_force_switches_to_an_incomplete_model(shop: None) -> None:
    call_command("set_default_model", "clip", force=True)
    with connect() as connection:
        assert default_model(connection) == "clip"


@pytest.mark.parametrize(
    ("arguments", "reason", "status"),
    [
        (["set_default_model", "nothing"], "no model is called 'nothing'", 2),
        (["set_default_model", "imagenet"], "not in use: add it to MODELS", 1),
        (["drop_model", "nothing"], "no model 'nothing' has tables; .*: .*fashion", 2),
        (["add_model", "nothing"], "no model is called 'nothing'", 2),
        (["add_model", "nothing.toml"], "nothing.toml: No such file", 2),
        (["drop_model", "fashion"], "is the default model", 2),
    ],
)
def test_refusals_are_explained(shop: None, arguments: list[str], reason: str, status: int) -> None:
    with pytest.raises(CommandError, match=reason) as caught:
        call_command(*arguments)
    assert caught.value.returncode == status


@pytest.mark.parametrize("in_use", ["fashion,imagenet", "imagenet"])
def test_words_work_if_the_default_model_has_only_images(
    shop: None, in_use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS", in_use)
    call_command("set_default_model", "imagenet", force=True)
    with override_settings(STORAGES=PLAIN_STORAGE):
        headers = {"host": "localhost", "referer": "http://localhost/"}
        page = Client(headers=headers).get("/", {"q": "red shirt 7", "min_match": "0"})
    assert page.status_code == HTTPStatus.OK
    assert re.findall(r'href="/product/([^"?/]+)', page.content.decode())[0] == "S7"
    note = "No single model in use understands words; only products with these words are shown."
    assert (note in page.content.decode()) == (in_use == "imagenet")
    with connect() as connection:  # no request is stored for a model that cannot embed words
        asked = connection.exec_driver_sql("SELECT model FROM query_embedding").scalars().all()
    assert set(asked) == set(in_use.split(",")) - {"imagenet"}


def test_default_that_is_not_in_use_is_ignored(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("set_default_model", "clip", force=True)
    monkeypatch.setenv("MODELS", "fashion,imagenet")
    with connect() as connection:
        assert default_model(connection) == "fashion"
    assert config.settings().models == ("fashion", "imagenet")
