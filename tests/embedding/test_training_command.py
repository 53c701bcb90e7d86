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
from embedding.loaders.packing import BLOCK, BLOCK_BYTES, BLOCKS
from embedding.loaders.transformer import INNER, LAYERS, POSITIONS, WIDTH
from embedding.registry import get_spec
from embedding.training import __main__ as command
from embedding.training.bundle import _write_pictures
from embedding.training.data import Picture
from embedding.training.fit import Trainer
from embedding.training.phrases import describe
from embedding.training.views import as_canvas, plain_views, random_views
from embedding.training.vocabulary import SPECIALS, choose_pieces, is_usable, make_tokenizer

pytestmark = pytest.mark.slow

PIECES = [*SPECIALS, "\u2581", *"abcdefghijklmnopqrstuvwxyz:'-äöüßéèçñãõłżó"]

RECIPE = {
    "side": 64,
    "distil_steps": 1,
    "distil_batch": 8,
    "steps": 2,
    "batch": 6,
    "captions": 1,
    "bouquets": 1,
    "words": 4,
    "caption_pool": 4,
    "bouquet_pool": 4,
}


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
        pictures.append(Picture(file, str(number), title, attributes))
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


@dataclass(frozen=True)
class Resumed:
    """A run that was killed in its second phase and ran again."""

    weights: Path
    was_saved: bool
    first_phases: int


@pytest.fixture(scope="module")
def resumed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Resumed:
    class Killed(Exception):
        pass

    def kill(*_: object) -> None:
        raise Killed

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


def test_views_keep_colours_and_detect_the_background() -> None:
    image = Image.new("RGB", (120, 160), "white")
    image.paste((200, 30, 30), (40, 40, 80, 120))
    canvas = torch.from_numpy(as_canvas(image))[None]
    background = canvas[0, :, :, 3] == 255
    assert 0.6 < background.float().mean() < 0.95
    assert not background[150, 150]
    plain = plain_views(canvas, 64)
    assert plain.shape == (1, 64, 64, 3)
    views = random_views(canvas.repeat(16, 1, 1, 1), 64, torch.Generator().manual_seed(0))
    assert views.shape == (16, 64, 64, 3)
    reddish = (views[..., 0] > views[..., 1] + 60) & (views[..., 0] > views[..., 2] + 60)
    assert (reddish.flatten(1).float().mean(1) > 0.01).float().mean() > 0.8


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
