"""The training command, end to end with generated pictures and a teacher with random weights."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from embedding.loaders.fashion import FashionEncoder
from embedding.loaders.fashion_tower import load_tower
from embedding.loaders.packing import BLOCK, BLOCK_BYTES, BLOCKS
from embedding.loaders.palette import lab
from embedding.loaders.transformer import INNER, LAYERS, POSITIONS, WIDTH
from embedding.registry import get_spec
from embedding.training import __main__ as command
from embedding.training.bundle import _write_pictures
from embedding.training.data import Picture
from embedding.training.fit import Trainer
from embedding.training.phrases import describe
from embedding.training.run import Run
from embedding.training.vocabulary import SPECIALS, choose_pieces, is_usable, make_tokenizer

pytestmark = pytest.mark.slow

PIECES = [*SPECIALS, "\u2581", *"abcdefghijklmnopqrstuvwxyz:'-äöüßéèçñãõłżó"]

BOTH = {"side": 64, "steps": 2, "batch": 6, "captions": 1, "caption_pool": 4}

RECIPE = BOTH | {
    "distil_steps": 1,
    "distil_batch": 8,
    "bouquets": 1,
    "words": 4,
    "bouquet_pool": 4,
}

IMAGE_RECIPE = BOTH | {"student_steps": 2, "extra_captions": 3}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of eighteen pictures in two colours, some without a title."""
    tmp_path = tmp_path_factory.mktemp("bundle")
    torch.manual_seed(0)
    pictures = []
    for number in range(18):
        colour = ("Red", "Blue")[number % 2]
        file = tmp_path / f"{number}.png"
        Image.new("RGB", (30, 40), colour.lower()).save(file)
        title = f"{colour} thing {number}" if number % 3 else ""
        attributes = describe("Dresses", colour, "Women")
        catalogue = "shop" if title else "snapshots"
        pictures.append(Picture(file, str(number), title, attributes, catalogue))
    folder = tmp_path / "bundle"
    folder.mkdir()
    _write_pictures(folder, pictures)
    make_tokenizer(PIECES, [-3.0] * len(PIECES)).save(str(folder / "tokenizer.json"))
    titles = [picture.title for picture in pictures if picture.title]
    (folder / "titles.json").write_text(json.dumps(titles))
    (folder / "words.txt").write_text("dress\nkleid\nrobe")
    save_file(_teacher(), folder / "e5.safetensors")
    english = {
        "map": torch.eye(WIDTH),
        "bias": torch.zeros(WIDTH),
        "titles": torch.randint(-9, 9, (len(titles), WIDTH), dtype=torch.int8),
    }
    save_file(english, folder / "english.safetensors")
    return folder


def _teacher() -> dict[str, torch.Tensor]:
    def blocks(rows: int, columns: int) -> torch.Tensor:
        values = torch.randint(0, 256, (rows, columns // BLOCK, BLOCK_BYTES), dtype=torch.uint8)
        scale = torch.tensor([0.01], dtype=torch.float16).view(torch.uint8)
        values[..., :2] = scale
        return values

    named = {
        "words.weight" + BLOCKS: blocks(len(PIECES), WIDTH),
        "places.weight": torch.zeros(POSITIONS, WIDTH),
        "norm.weight": torch.ones(WIDTH),
        "norm.bias": torch.zeros(WIDTH),
    }
    shapes = {
        "attention": (3 * WIDTH, WIDTH),
        "mix": (WIDTH, WIDTH),
        "widen": (INNER, WIDTH),
        "narrow": (WIDTH, INNER),
    }
    for layer in range(LAYERS):
        for name, (rows, columns) in shapes.items():
            named[f"layers.{layer}.{name}.weight{BLOCKS}"] = blocks(rows, columns)
            named[f"layers.{layer}.{name}.bias"] = torch.zeros(rows)
        for name in ("mix_norm", "narrow_norm"):
            named[f"layers.{layer}.{name}.weight"] = torch.ones(WIDTH)
            named[f"layers.{layer}.{name}.bias"] = torch.zeros(WIDTH)
    return named


class Killed(Exception):
    """Ends a run."""


def kill(*_: object) -> None:
    raise Killed


@dataclass(frozen=True)
class Resumed:
    """A run that was killed in its second phase and ran again."""

    weights: Path
    was_saved: bool
    first_phases: int


@pytest.fixture(scope="module")
def resumed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Resumed:
    output = tmp_path_factory.mktemp("training") / "weights"
    arguments = ["train", "--bundle", str(bundle), "--output", str(output), "--device", "cpu"]
    arguments += ["--recipe", json.dumps(RECIPE), "--report-every", "0.5"]
    distil, phases = Trainer.distil, list[Trainer]()

    def counted(trainer: Trainer) -> None:
        phases.append(trainer)
        distil(trainer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "distil", counted)
        with patch.context() as killing:
            killing.setattr(command, "_report", kill)
            with pytest.raises(Killed):
                command.main(arguments)
        was_saved = (output / "state.pt").is_file()
        command.main(arguments)
    return Resumed(output, was_saved, len(phases))


def test_trained_weights_load(bundle: Path, resumed: Resumed) -> None:
    weights = resumed.weights
    assert not (weights / "state.pt").exists(), "a finished run deletes its checkpoint"
    encoder = FashionEncoder(get_spec("fashion"), "cpu", weights)
    assert encoder.encode_texts(["rotes kleid", ""]).shape == (2, WIDTH)
    assert encoder.encode_images([Image.new("RGB", (30, 40), "red")]).shape == (1, WIDTH)
    saved = load_file(weights / "text.safetensors")["words.weight" + BLOCKS]
    original = load_file(bundle / "e5.safetensors")["words.weight" + BLOCKS]
    assert torch.equal(saved, original), "training does not change the token embeddings"


def test_a_killed_run_resumes(resumed: Resumed) -> None:
    assert resumed.was_saved
    assert resumed.first_phases == 1, "the first phase is not repeated"
    assert (resumed.weights / "model.safetensors").is_file()


@dataclass(frozen=True)
class ResumedImages:
    """A run of the image tower that was killed while the student was trained, and ran again."""

    weights: Path
    files: set[str]
    """The files of the killed run."""
    resumed: list[tuple[str, int]]
    """The phases of the second run, and the step at which each began."""


@pytest.fixture(scope="module")
def images(
    bundle: Path, resumed: Resumed, tmp_path_factory: pytest.TempPathFactory
) -> ResumedImages:
    output = tmp_path_factory.mktemp("images") / "weights"
    arguments = ["train-images", "--bundle", str(bundle), "--output", str(output)]
    arguments += ["--text", str(resumed.weights), "--device", "cpu", "--tune"]
    arguments += ["--recipe", json.dumps(IMAGE_RECIPE), "--report-every", "0.5", "--sides", "64"]
    begun: list[tuple[str, int]] = []
    resume = Run._resume

    def watched(run: Run, file: Path | None) -> None:
        resume(run, file)
        begun.append((run.phase, run.clock.done))

    def kill_student(run: Run, losses: dict[str, torch.Tensor]) -> torch.Tensor:
        if run.phase == "student" and run.clock.done == 1:
            raise Killed
        return total(run, losses)

    total = Run._total
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "_total", kill_student)
        with pytest.raises(Killed):
            command.main([*arguments, "--report-every", "0"])
    files = {file.name for file in output.iterdir()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "_resume", watched)
        command.main(arguments)
    return ResumedImages(output, files, begun)


def test_trained_image_tower_loads_and_sees(images: ResumedImages, resumed: Resumed) -> None:
    encoder = FashionEncoder(get_spec("fashion"), "cpu", images.weights)
    assert encoder.encode_images([Image.new("RGB", (30, 40), "red")]).shape == (1, WIDTH)
    text = (images.weights / "text.safetensors").read_bytes()
    assert text == (resumed.weights / "text.safetensors").read_bytes()
    palette = load_tower(images.weights / "model.safetensors").palette.colours
    red = lab(torch.tensor([255.0, 0.0, 0.0])[None, :, None, None])[0, :, 0, 0]
    assert (palette - red).norm(dim=1).min() < 0.05, "the palette has the colours of the pictures"


def test_killed_run_of_the_image_tower_resumes(images: ResumedImages) -> None:
    assert images.files == {"teacher1.safetensors", "teacher2.safetensors", "state.pt"}
    assert images.resumed == [("student", 1)], "finished teachers and steps are not repeated"
    left = {file.name for file in images.weights.iterdir()}
    assert left == {"model.safetensors", "text.safetensors", "tokenizer.json", "log.json"}


def test_a_bundle_without_catalogues_gives_an_error_message(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = json.loads((bundle / "pictures.json").read_text())
    rows = [{name: it for name, it in row.items() if name != "catalogue"} for row in rows]
    (tmp_path / "pictures.json").write_text(json.dumps(rows))
    with pytest.raises(SystemExit):
        command.main(["train-images", "--bundle", str(tmp_path), "--output", str(tmp_path)])
    assert "prepare it anew" in capsys.readouterr().err


def test_vocabulary_reduction() -> None:
    assert is_usable("\u2581rouge")
    assert is_usable("платье")
    assert not is_usable("Rouge")
    assert not is_usable("\u2581红")
    pieces = [*SPECIALS, "\u2581", "a", "b", ":", "query", "\u2581ab", "\u2581ba", "红"]
    kept = choose_pieces(pieces, np.full(len(pieces), -1.0), {"ab": 5.0, "ba": 1.0}, 10)
    names = [pieces[number] for number in kept]
    assert names[: len(SPECIALS)] == list(SPECIALS)
    assert "\u2581ab" in names
    assert "红" not in names
