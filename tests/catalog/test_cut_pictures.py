"""With `EMBED_REGIONS=best`, products' pictures are cut as query pictures are."""

import pickle
import shutil
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from catalog.config import settings
from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import Coverage, fill, ray_engine
from catalog.indexing.ray_engine import Job
from catalog.indexing.versions import ChangedModel, plan
from catalog.indexing.worker import Worker
from embedding import fingerprint as fingerprints
from embedding.encoder import EncoderError, get_encoder
from embedding.image_decoding import open_image
from embedding.preprocessing import FitSquare
from embedding.regions import finder, garments
from embedding.regions.finder import find_garments
from embedding.regions.garments import Garment, Garments
from embedding.regions.region import Region, cut
from embedding.registry import get_spec
from embedding.training.scenes import drawn_backdrop
from shop.checks import check_schema
from tests.catalog.test_indexing import state
from tests.fakes import WordsAndColours

RED, BLUE = (200, 20, 30), (30, 40, 190)
LEFT = Garment(Region(0, 0, 500, 1000), 0.9)


def import_pictures(folder: Path, pictures: dict[str, Image.Image]) -> None:
    """A product for each picture, by its SKU."""
    images = folder / "images"
    images.mkdir()
    for sku, picture in pictures.items():
        picture.save(images / f"{sku}.png")
    lines = ["sku,title,images", *(f"{sku},Shirt {sku},{sku}.png" for sku in pictures)]
    (folder / "c.csv").write_text("\n".join(lines))
    import_catalog(folder / "c.csv", images)


def stored() -> dict[str, np.ndarray]:
    """The vectors of pictures by SKU, float32 (d,)."""
    with connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT sku, embedding FROM fashion_image JOIN product ON product.id = product_id"
        ).all()
    return {sku: vector.to_numpy().astype(np.float32) for sku, vector in rows}


@pytest.fixture
def catalogue(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A red garment at the left of a blue picture, and a blue picture. The finder is faked."""
    scene = Image.new("RGB", (80, 60), BLUE)
    scene.paste(RED, (0, 0, 40, 60))
    import_pictures(tmp_path, {"SCENE": scene, "PLAIN": Image.new("RGB", (60, 60), BLUE)})

    def find(image: Image.Image) -> Garments:
        return Garments((LEFT,), LEFT if image.getpixel((0, 0)) == RED else None)

    monkeypatch.setattr(finder, "find_garments", find)


def find_scene(demo_folder: Path) -> tuple[Image.Image, Region]:
    """A picture that is cut, and the part that shows its garment best."""

    def scene_of(path: Path) -> Image.Image:
        picture = open_image(path)
        picture.thumbnail((200, 200))
        scene = drawn_backdrop(Random(7), (512, 384))
        scene.paste(picture, (280, 100))
        return scene

    scenes = map(scene_of, sorted((demo_folder / "images").glob("J*.jpg")))
    return next((it, best.region) for it in scenes if (best := find_garments(it).best))


def planned() -> tuple[int, str]:
    with connect() as connection:
        found = plan(connection, get_spec("fashion"), "image", rebuild=False)
    return found.rows, found.reason


def test_only_pictures_with_a_best_part_are_cut(
    catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = WordsAndColours()
    red, blue = encoder.encode_images([Image.new("RGB", (9, 9), it) for it in (RED, BLUE)])
    fill(encoder, "image")
    whole = stored()
    assert not np.allclose(whole["SCENE"], red, atol=0.1)
    monkeypatch.setenv("EMBED_REGIONS", "best")
    fill(encoder, "image", renew=True)
    np.testing.assert_allclose(stored()["SCENE"], red, rtol=2**-10, atol=2**-14)
    np.testing.assert_allclose(stored()["PLAIN"], blue, rtol=2**-10, atol=2**-14)
    np.testing.assert_array_equal(stored()["PLAIN"], whole["PLAIN"])


def test_a_change_of_the_setting_makes_pictures_stale(
    catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = WordsAndColours()
    fill(encoder, "image")
    fill(encoder, "text")
    monkeypatch.setenv("EMBED_REGIONS", "best")
    changed = "files of the model fashion or EMBED_REGIONS have changed"
    assert planned() == (2, f"the {changed}, so everything is stale")
    with connect() as connection:
        warnings = "\n".join(str(it) for it in check_schema(connection))
    assert f"The {changed} since its images were embedded" in warnings
    assert "since its texts" not in warnings
    with pytest.raises(ChangedModel, match=changed):
        fill(encoder, "image")
    assert Worker(lambda name: encoder).embed_products() == 0  # which would mix both kinds
    assert fill(encoder, "text", renew=True).embedded == 0
    assert fill(encoder, "image", renew=True).embedded == 2
    assert state("image") == Coverage(2, 2, 0, 0, 0)
    assert planned() == (0, "")
    monkeypatch.setenv("EMBED_REGIONS", "off")
    assert planned()[0] == 2


def test_other_weights_of_the_finder_make_pictures_stale(
    catalogue: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights"
    for name in ("regions/head.safetensors", "fashion/model.safetensors"):
        (weights / name).parent.mkdir(parents=True)
        shutil.copy(fingerprints.WEIGHTS / name, weights / name)
    fill(WordsAndColours(), "image")
    monkeypatch.setattr(fingerprints, "WEIGHTS", weights)
    assert planned() == (0, "")
    monkeypatch.setenv("EMBED_REGIONS", "best")
    fill(WordsAndColours(), "image", renew=True)
    (weights / "regions/head.safetensors").write_bytes(b"trained again")
    assert planned()[0] == 2


def test_a_finder_that_fails_ends_the_run_and_no_picture_counts_as_failed(
    catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(image: Image.Image) -> Garments:
        raise EncoderError("no weights")

    monkeypatch.setattr(finder, "find_garments", fail)
    monkeypatch.setenv("EMBED_REGIONS", "best")
    with pytest.raises(EncoderError, match="no weights"):
        fill(WordsAndColours(), "image")
    assert state("image") == Coverage(2, 0, 0, 2, 0)


def test_the_reading_tasks_of_ray_cut_pictures(
    catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBED_REGIONS", "best")
    assert "EMBED_REGIONS" in ray_engine.FORWARDED_VARIABLES
    read = ray_engine.Reading(Job("fashion", "image", "cpu", 4), 4, FitSquare(8))
    (row,) = read({"after": 0, "until": 2**62})
    scene, plain = pickle.loads(row["batch"]).contents
    np.testing.assert_array_equal(scene[4, 4], RED)  # the narrow part, between white sides
    np.testing.assert_array_equal(scene[4, 7], (255, 255, 255))
    np.testing.assert_array_equal(plain, np.broadcast_to(BLUE, (8, 8, 3)))


@pytest.mark.slow
def test_the_vector_is_that_of_the_cut_query_picture(
    database: str, tmp_path: Path, demo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, region = find_scene(demo_folder)
    import_pictures(tmp_path, {"SCENE": scene})
    monkeypatch.setenv("EMBED_REGIONS", "best")
    encoder = get_encoder("fashion", "cpu")
    assert fill(encoder, "image", workers=2).embedded == 1  # the finder runs in the processes
    content = next(settings().media_root.rglob("*.png")).read_bytes()
    (expected,) = encoder.encode_images([open_image(cut(content, region))])
    np.testing.assert_allclose(stored()["SCENE"], expected, rtol=2**-8, atol=2**-10)


def test_a_picture_without_a_best_part_keeps_its_scale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (1600, 1200), BLUE).save(tmp_path / "large.jpg")
    monkeypatch.setattr(finder, "find_garments", lambda image: Garments())
    opened = garments.open_best_part(tmp_path / "large.jpg", 300)
    assert opened.size == open_image(tmp_path / "large.jpg", 300).size == (400, 300)
