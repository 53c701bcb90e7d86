"""Fine-tuning of tiny models on drawn pictures."""

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from embedding.encoder import load_encoder
from embedding.finetuning.checkpoint import save_model, tuned_spec
from embedding.finetuning.data import compose_texts
from embedding.finetuning.errors import FineTuningError
from embedding.finetuning.fit import FineTuning, Outcome, Recipe
from embedding.finetuning.frozen_features import (
    BATCH,
    FrozenFeatures,
    bytes_of_features,
    features_shape,
    read_features,
)
from embedding.finetuning.measure import Figures
from embedding.finetuning.pictures import Pictures
from embedding.finetuning.products import JudgedQuery, Product, describe_product
from embedding.finetuning.relations import kind_relation, title_relation
from embedding.finetuning.state import bytes_of_run, copy_weights, interpolate, put_weights
from embedding.finetuning.towers import open_towers, trained_parameters
from embedding.fingerprint import fingerprint
from embedding.registry import ModelSpec, get_spec, read_entry
from embedding.training.losses import FALSE, TRUE, UNKNOWN, relate
from tests.embedding.hub_checkpoints import build_resnet, build_siglip2
from tests.embedding.tiny_clip import build_tiny_clip

COLOURS = ("red", "green", "blue", "yellow", "black", "purple")
TYPES = ("Shirts", "Bags")
NOTHING = Figures(None, None)
FAST = Recipe(epochs=4, batch_size=32, rate=3e-3, patience=9)
THOROUGH = replace(FAST, epochs=16, patience=16)


def draw(file: Path, colour: str, kind: str, number: int) -> None:
    image = Image.new("RGB", (40, 40), "white")
    place = [8 + number % 4, 6, 28 + number % 4, 34]
    shape = ImageDraw.Draw(image)
    (shape.ellipse if kind == "Bags" else shape.rectangle)(place, colour)
    image.save(file)


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> list[Product]:
    """Shirts and bags in six colours; some have two pictures."""
    folder = tmp_path_factory.mktemp("pictures")
    made = []
    for number in range(132):
        colour, kind = COLOURS[number % 6], TYPES[number // 6 % 2]
        files = [folder / f"{number}_{each}.png" for each in range(1 + (number % 5 == 0))]
        for each, file in enumerate(files):
            draw(file, colour, kind, number + each)
        title = f"{colour} {kind.lower()[:-1]}"
        attributes = describe_product(kind, colour, "Women", "", "", "")
        made.append(Product(f"S{number}", title, attributes, tuple(files)))
    return made


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    folder = tmp_path_factory.mktemp("clip")
    build_tiny_clip(folder)
    return read_entry(folder / "tiny.toml")


@pytest.fixture(scope="module")
def tuned(
    products: list[Product], clip: ModelSpec, tmp_path_factory: pytest.TempPathFactory
) -> tuple[FineTuning, Outcome]:
    tuning = FineTuning(
        clip, products, THOROUGH, "cpu", tmp_path_factory.mktemp("run") / "run", quiet=True
    )
    return tuning, tuning.train()


def some(products: Sequence[Product], **changes: object) -> list[Product]:
    return [replace(product, **changes) for product in products]  # type: ignore[arg-type]


def test_loss_falls_and_held_out_recall_rises(tuned: tuple[FineTuning, Outcome]) -> None:
    _, outcome = tuned
    losses = [epoch.loss for epoch in outcome.history if epoch.loss is not None]
    assert losses[-1] < 0.8 * losses[0]
    assert outcome.before.title_recall is not None
    assert outcome.after.title_recall is not None
    assert outcome.after.title_recall > outcome.before.title_recall + 0.2
    assert outcome.share > 0
    best = outcome.validated[outcome.share].score
    assert best == max(figures.score for figures in outcome.validated.values())


def test_share_0_equals_the_base_and_share_1_the_tuned(
    tuned: tuple[FineTuning, Outcome],
) -> None:
    tuning, outcome = tuned
    best = tuning.run.best_weights()
    assert interpolate(tuning.base, best, 0.0) == tuning.base
    for name, tensor in interpolate(tuning.base, best, 0.5).items():
        assert torch.allclose(tensor, (tuning.base[name] + best[name]) / 2, atol=1e-6)
    assert outcome.validated[0.0] == outcome.history[0].figures
    assert outcome.validated[1.0] == outcome.history[outcome.epoch].figures


def test_saved_model_loads_and_has_the_tuned_vectors(
    tuned: tuple[FineTuning, Outcome], clip: ModelSpec, tmp_path: Path
) -> None:
    tuning, outcome = tuned
    entry = save_model(tuning, tuned_spec(clip, "better"), outcome, tmp_path / "better")
    spec = read_entry(entry)
    assert (spec.name, spec.checkpoint) == ("better", str(tmp_path / "better"))
    assert fingerprint(spec, "image") not in ("", fingerprint(clip, "image"))
    texts = ["red shirt", "blue bag"]
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(tuning.towers.embed_texts(texts))
    assert np.allclose(load_encoder(spec, "cpu").encode_texts(texts), expected, atol=0.02)
    assert not np.allclose(load_encoder(clip, "cpu").encode_texts(texts), expected, atol=0.02)
    with Image.open(tmp_path / "better" / "curves.png") as curves:
        assert curves.width > curves.height
    assert "title to picture R@10" in (tmp_path / "better" / "README.md").read_text()


def test_killed_run_continues_to_the_same_weights(
    tuned: tuple[FineTuning, Outcome],
    products: list[Product],
    clip: ModelSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(BaseException):
        pass

    first = FineTuning(clip, products, THOROUGH, "cpu", tmp_path / "run", quiet=True)
    steps, step = iter(range(100)), first._step

    def killed(*args: object) -> float:
        if next(steps) == 5:  # in the second epoch
            raise Killed
        return step(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(first, "_step", killed)
    with pytest.raises(Killed):
        first.train()
    told: list[str] = []
    second = FineTuning(
        clip, products, THOROUGH, "cpu", tmp_path / "run", quiet=True, log=told.append
    )
    outcome = second.train()
    assert told[0] == "continues after epoch 1"
    uninterrupted, expected = tuned
    assert outcome.history == expected.history
    best = second.run.best_weights()
    for name, tensor in uninterrupted.run.best_weights().items():
        assert torch.equal(best[name], tensor), name


def test_other_options_do_not_continue_a_run(
    tuned: tuple[FineTuning, Outcome], products: list[Product], clip: ModelSpec
) -> None:
    folder = tuned[0].run.folder
    with pytest.raises(FineTuningError, match="unfinished run with other products or options"):
        FineTuning(clip, products, replace(THOROUGH, seed=1), "cpu", folder, quiet=True)


def test_run_stops_early(
    products: list[Product], clip: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(FAST, epochs=9, patience=2)
    tuning = FineTuning(clip, products, recipe, "cpu", tmp_path / "run", quiet=True)
    monkeypatch.setattr(tuning, "_train_epoch", lambda epoch: 1.0)  # changes nothing
    outcome = tuning.train()
    assert len(outcome.history) == 1 + 1 + 2
    assert outcome.share == 0  # equal figures: the base's weights


@pytest.mark.parametrize(
    ("build", "entry"),
    [
        (
            build_siglip2,
            {"loader": "siglip", "dimensions": 16, "modalities": ("text", "image")},
        ),
        (
            build_resnet,
            {
                **{"loader": "resnet", "dimensions": 16, "full_dimensions": 48},
                "modalities": ("image",),
            },
        ),
    ],
    ids=["siglip", "resnet"],
)
def test_other_checkpoints_are_tuned_and_load_again(
    build: Callable[[Path], None],
    entry: dict[str, object],
    products: list[Product],
    clip: ModelSpec,
    tmp_path: Path,
) -> None:
    build(tmp_path / "base")
    spec = replace(clip, name="base", checkpoint=str(tmp_path / "base"), **entry)  # type: ignore[arg-type]
    recipe = Recipe(epochs=1, batch_size=32, rate=1e-3, freeze=True)
    tuning = FineTuning(spec, products, recipe, "cpu", tmp_path / "run", quiet=True)
    outcome = tuning.train()
    assert outcome.after.type_map is not None
    put_weights(tuning.parameters, tuning.run.best_weights())
    saved = read_entry(save_model(tuning, tuned_spec(spec, "new"), outcome, tmp_path / "new"))
    assert saved.full_dimensions == spec.full_dimensions
    rows = tuning.pictures.of(range(4))
    with torch.inference_mode():
        vectors = tuning.towers.embed_pixels(tuning.pictures.pixels(rows))
    expected = torch.nn.functional.normalize(vectors)
    encoder = load_encoder(saved, "cpu")
    found = encoder.encode_pixels(tuning.pictures.pixels(rows).numpy())
    assert np.allclose(found, expected, atol=0.02)
    base = load_encoder(spec, "cpu").encode_pixels(tuning.pictures.pixels(rows).numpy())
    assert not np.allclose(found, base, atol=1e-4)


@pytest.mark.parametrize("name", ["fashion", "imagenet"])
def test_shipped_models_save_what_they_load(
    name: str, products: list[Product], tmp_path: Path
) -> None:
    """Untrained, so the saved model has the vectors of the shipped one."""
    spec, recipe = get_spec(name), Recipe(epochs=1)
    few = [it for it in products if it.part != "train"] + products[:60]
    tuning = FineTuning(spec, few, recipe, "cpu", tmp_path / "run", quiet=True)
    outcome = Outcome(0.0, 0, {}, NOTHING, NOTHING, ())
    saved = read_entry(save_model(tuning, tuned_spec(spec, "new"), outcome, tmp_path / "new"))
    image = Image.open(products[0].pictures[0]).convert("RGB")
    for spec_of in (saved, replace(saved, name="other")):  # the name says nothing
        found = load_encoder(spec_of, "cpu").encode_images([image])
        assert np.allclose(found, load_encoder(spec, "cpu").encode_images([image]), atol=1e-3)
    if "text" in spec.modalities:
        found = load_encoder(saved, "cpu").encode_texts(["rotes Kleid"])
        expected = load_encoder(spec, "cpu").encode_texts(["rotes Kleid"])
        assert np.allclose(found, expected, atol=1e-3)
    assert fingerprint(saved, "image")
    (tmp_path / "new" / "model.safetensors").write_bytes(b"changed")
    os.utime(tmp_path / "new" / "model.safetensors", ns=(1, 1))
    assert fingerprint(saved, "image") != fingerprint(spec, "image")


@pytest.mark.parametrize("name", ["fashion", "imagenet", "resnet"])
def test_features_of_the_frozen_layers(
    name: str, products: list[Product], clip: ModelSpec, tmp_path: Path
) -> None:
    """The last layers make of the stored features what all layers make of the picture, and a run
    that was stopped continues with the batches that its file lacks."""
    if name == "resnet":
        build_resnet(tmp_path / "base")
        spec = replace(
            clip, checkpoint=str(tmp_path / "base"), loader="resnet", modalities=("image",)
        )
    else:
        spec = get_spec(name)
    towers = open_towers(spec, torch.device("cpu"))
    pictures = Pictures(products[:12], towers.preparation)
    read: list[int] = []

    def features(folder: str) -> FrozenFeatures:
        found = read_features(
            towers, pictures, torch.device("cpu"), 0, tmp_path / folder, "key", read.append
        )
        assert found is not None
        return found

    rows = range(len(pictures))
    assert len(pictures) > BATCH
    whole = features("run")
    with torch.inference_mode():
        exact = torch.nn.functional.normalize(towers.embed_pixels(pictures.pixels(rows)))
        kept = torch.nn.functional.normalize(towers.finish(whole.of(rows)))
        other = torch.nn.functional.normalize(towers.finish(whole.of(rows, [1] * len(rows))))
    assert (exact * kept).sum(1).min() > 0.999
    assert (exact * other).sum(1).min() < 0.999
    stored = (tmp_path / "run" / "features-key.f16").read_bytes()
    (tmp_path / "killed").mkdir()
    whole_batch = len(stored) * BATCH // len(pictures)
    (tmp_path / "killed" / "features-key.f16").write_bytes(stored[: whole_batch + 10])
    read.clear()
    features("killed")
    assert read == [BATCH, len(pictures) - BATCH]
    assert (tmp_path / "killed" / "features-key.f16").read_bytes() == stored


def test_equal_attributes_are_no_negatives(products: list[Product]) -> None:
    one, same, other = products[0], products[12], products[1]
    unknown = replace(one, sku="U", title="something", attributes={"colour": "red"})
    chosen = [one, replace(same, title="crimson top"), other, unknown]
    texts = compose_texts(chosen, languages=True, seed=0)
    owners = np.arange(4)
    titles = title_relation(texts, owners, np.array([0, 1, 2, 3]))
    assert titles[0].tolist() == [TRUE, UNKNOWN, FALSE, FALSE]
    rows = torch.from_numpy(texts.rows)
    tables = [torch.from_numpy(table) for table in texts.tables]
    relation = relate(tables, rows, torch.tensor(texts.columns))
    by_text = {text: relation[:, number].tolist() for number, text in enumerate(texts.captions)}
    assert by_text["red shirt"] == [TRUE, TRUE, FALSE, UNKNOWN]
    assert by_text["shirt"] == [TRUE, TRUE, TRUE, UNKNOWN]
    for product, captions in enumerate(texts.captions_of):
        assert (relation[product, captions] == TRUE).all()  # in all languages
    kinds = kind_relation(chosen)
    assert kinds[0].tolist() == [TRUE, TRUE, TRUE, UNKNOWN]


def test_judged_queries_are_learned(
    tuned: tuple[FineTuning, Outcome], products: list[Product], clip: ModelSpec, tmp_path: Path
) -> None:
    red = frozenset(it.sku for it in products if it.attributes["colour"] == "red")
    judged = [JudgedQuery("zq", red), JudgedQuery("nobody sells this", frozenset({"X"}))]

    def score(tuning: FineTuning) -> float:
        """How much nearer red products are to the query than others, among the held-out ones."""
        put_weights(tuning.parameters, tuning.run.best_weights())
        rows = tuning.pictures.of(tuning.parts["test"])
        with torch.inference_mode():
            query = torch.nn.functional.normalize(tuning.towers.embed_texts(["zq"]))
            images = tuning.towers.embed_pixels(tuning.pictures.pixels(rows))
        scores = (torch.nn.functional.normalize(images) @ query.T)[:, 0]
        right = torch.tensor([products[tuning.pictures.owners[it]].sku in red for it in rows])
        return float(scores[right].mean() - scores[~right].mean())

    tuning = FineTuning(
        clip, products, THOROUGH, "cpu", tmp_path / "run", judged=judged, quiet=True
    )
    tuning.train()
    with_judgments, without = score(tuning), score(tuned[0])
    put_weights(
        tuned[0].parameters,
        interpolate(tuned[0].base, tuned[0].run.best_weights(), tuned[1].share),
    )
    assert with_judgments > without + 0.1


def test_too_few_products(products: list[Product], clip: ModelSpec, tmp_path: Path) -> None:
    without = some(products[59:], pictures=())
    with pytest.raises(FineTuningError, match=r"at least 60 products .* the catalogue has 59"):
        FineTuning(clip, products[:59] + without, FAST, "cpu", tmp_path / "run", quiet=True)


def test_unreadable_pictures(products: list[Product], clip: ModelSpec, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    missing = some(products[:5], pictures=(tmp_path / "broken.png",))
    told: list[str] = []
    tuning = FineTuning(
        clip, missing + products[5:], FAST, "cpu", tmp_path / "run", quiet=True, log=told.append
    )
    assert re.match("5 of .*broken.png", told[0])
    assert not set(range(5)) & {it for part in tuning.parts.values() for it in part}
    missing = some(products[:40], pictures=(tmp_path / "none.png",))
    with pytest.raises(FineTuningError, match=r"40 of .* missing or unreadable, more than 10%"):
        FineTuning(clip, missing + products[40:], FAST, "cpu", tmp_path / "two", quiet=True)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"type": "shirt", "group": "shirt"}, "all products are of the type 'shirt'"),
        ({}, "without a type"),
    ],
)
def test_one_class(
    attributes: dict[str, str], message: str, products: list[Product], tmp_path: Path
) -> None:
    alike = some(products, attributes=attributes)
    with pytest.raises(FineTuningError, match=message):
        FineTuning(get_spec("imagenet"), alike, FAST, "cpu", tmp_path / "run", quiet=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loader": "reduced", "checkpoint": "clip"}, "fine-tune clip"),
        ({"pictures": "clip"}, "uses the pictures of clip"),
        ({"modalities": ("text",)}, "reads no pictures"),
    ],
)
def test_models_that_cannot_be_tuned(
    changes: dict[str, object],
    message: str,
    products: list[Product],
    clip: ModelSpec,
    tmp_path: Path,
) -> None:
    spec = replace(clip, **changes)  # type: ignore[arg-type]
    with pytest.raises(FineTuningError, match=message):
        FineTuning(spec, products, FAST, "cpu", tmp_path / "run", quiet=True)


def test_out_of_memory_halves_the_batches_once(
    products: list[Product], clip: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    recipe = replace(FAST, epochs=1)
    tuning = FineTuning(
        clip, products, recipe, "cpu", tmp_path / "run", quiet=True, log=told.append
    )
    step, limit = tuning._step, 16

    def limited(rows: list[int], *args: object) -> float:
        if len(rows) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return step(rows, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning, "_step", limited)
    assert tuning.train().history[-1].loss is not None
    assert "out of memory: goes on with batches of 16" in told
    again = FineTuning(clip, products, recipe, "cpu", tmp_path / "two", quiet=True)
    limit = 8
    monkeypatch.setattr(again, "_step", limited)
    with pytest.raises(FineTuningError, match=r"too little memory for batches of 16 .*--freeze"):
        again.train()


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)


@pytest.mark.usefixtures("small_disk")
def test_too_small_a_disk(products: list[Product], clip: ModelSpec, tmp_path: Path) -> None:
    with pytest.raises(FineTuningError, match="0 MB are free"):
        FineTuning(clip, products, FAST, "cpu", tmp_path / "run", quiet=True)


def test_features_need_room_too(
    products: list[Product], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are the largest files of a run. It is said before the pictures are read, and what an
    earlier start has written needs no more room."""
    spec, recipe = get_spec("imagenet"), replace(FAST, freeze=True)
    towers = open_towers(spec, torch.device("cpu"))
    weights = bytes_of_run(towers.network, trained_parameters(towers, freeze=True))
    shape = features_shape(towers, torch.device("cpu"))
    assert shape
    features = bytes_of_features(shape, len(products))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=weights))
    missing = [replace(it, pictures=(tmp_path / "none.png",)) for it in products]
    with pytest.raises(FineTuningError, match=rf"needs .*, and {weights >> 20} MB are free"):
        FineTuning(spec, missing, recipe, "cpu", tmp_path / "run", quiet=True)
    (tmp_path / "run").mkdir()
    with (tmp_path / "run" / "features.f16").open("wb") as file:
        file.truncate(features)
    with pytest.raises(FineTuningError, match="missing or unreadable"):
        FineTuning(spec, missing, recipe, "cpu", tmp_path / "run", quiet=True)


def test_full_disk(
    products: list[Product], clip: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise RuntimeError("PytorchStreamWriter failed writing file")

    tuning = FineTuning(
        clip, products, replace(FAST, epochs=1), "cpu", tmp_path / "run", quiet=True
    )
    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(FineTuningError, match=r"best.pt cannot be written .*: make room"):
        tuning.train()
    monkeypatch.undo()
    before = copy_weights(tuning.parameters)
    monkeypatch.setattr(tuning.towers, "save", lambda folder: os.open("/nowhere/x", os.O_WRONLY))
    outcome = Outcome(1.0, 1, {}, NOTHING, NOTHING, ())
    with pytest.raises(FineTuningError, match=r"new cannot be written .* it continues"):
        save_model(tuning, tuned_spec(clip, "new"), outcome, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert before.keys() == tuning.parameters.keys()
