"""Random views, grounds, the palette, and what batches of views are trained to."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch.nn.functional import normalize

from embedding.loaders.fashion import WEIGHTS
from embedding.loaders.fashion_tower import load_tower
from embedding.loaders.palette import COLOURS, Palette, lab
from embedding.training import views as views_module
from embedding.training.batches import draw_rows, mask_loss
from embedding.training.canvases import as_canvas
from embedding.training.corpus import PhraseComposer
from embedding.training.data import Picture
from embedding.training.fabrics import cut_pieces, learn_fabrics
from embedding.training.grounds import Grounds, read_corners
from embedding.training.images import ImageRecipe
from embedding.training.losses import FALSE, TRUE, similarity_loss
from embedding.training.meanings import read_meanings
from embedding.training.phrases import describe
from embedding.training.targets import Targets
from embedding.training.tower import fit_palette
from embedding.training.views import RandomViews, Views, plain_views

SIDE = 64
RED = (200, 30, 30)


def canvas(ground: str, size: tuple[int, int] = (160, 160)) -> torch.Tensor:
    """A red rectangle in the middle of a ground."""
    image = Image.new("RGB", size, ground)
    image.paste(RED, (40, 40, size[0] - 40, size[1] - 40))
    return torch.from_numpy(as_canvas(image))[None]


def random_views(canvases: torch.Tensor, corners: torch.Tensor | None = None) -> Views:
    generator = torch.Generator().manual_seed(0)
    if corners is None:
        corners = torch.full((4, 72, 90, 3), 60, dtype=torch.uint8)
    return RandomViews(corners, SIDE, generator).of(canvases)


def reddish(pixels: torch.Tensor) -> torch.Tensor:
    return (pixels[..., 0] > pixels[..., 1] + 60) & (pixels[..., 0] > pixels[..., 2] + 60)


def is_white(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.amin(-1) > 215


def test_views_keep_colours_and_detect_the_background() -> None:
    on_white = canvas("white", (120, 160))
    background = on_white[0, :, :, 3] == 255
    assert 0.6 < background.float().mean() < 0.95
    assert not background[150, 150]
    assert plain_views(on_white, SIDE).shape == (1, SIDE, SIDE, 3)
    views = random_views(on_white.repeat(16, 1, 1, 1))
    assert views.pixels.shape == (16, SIDE, SIDE, 3)
    assert (reddish(views.pixels).flatten(1).float().mean(1) > 0.01).float().mean() > 0.8


def test_views_tell_where_the_garment_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views_module, "NEW_GROUND", 0.0)
    monkeypatch.setattr(views_module, "ERASE", 0.0)
    monkeypatch.setattr(views_module, "BLUR", 0.0)
    views = random_views(canvas("white").repeat(16, 1, 1, 1))
    assert views.known.all()
    assert views.garment.shape == (16, SIDE, SIDE)
    same = reddish(views.pixels) == (views.garment > 0.5)
    assert same.float().mean() > 0.97


def test_grounds_are_replaced_only_where_the_garment_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def white_left(canvases: torch.Tensor) -> float:
        """How much of the views is white, within the canvas, where no garment is."""
        views = random_views(canvases.repeat(16, 1, 1, 1))
        return float(is_white(views.pixels)[views.garment < 0.5].float().mean())

    monkeypatch.setattr(views_module, "NEW_GROUND", 1.0)
    for limit in ("MIN_SPAN", "MAX_SPAN"):
        monkeypatch.setattr(views_module, limit, 0.6)
    on_white, on_shelf = canvas("white"), canvas("white")
    on_shelf[:, :60, :, :3] = 90
    on_shelf[:, :60, :, 3] = 0  # a quarter of the edge is something else
    on_shelf[:, -60:, :, 3] = 0
    assert random_views(on_white).known.all()
    assert not random_views(on_shelf).known.any()
    assert white_left(on_white) < 0.4
    assert white_left(on_shelf) > 0.6
    monkeypatch.setattr(views_module, "NEW_GROUND", 0.0)
    assert white_left(on_white) > 0.6


def test_corners_are_of_the_picture_itself(tmp_path: Path) -> None:
    image = Image.new("RGB", (60, 160), "blue")
    image.paste("red", (0, 100, 60, 160))
    content = io.BytesIO()
    image.save(content, "PNG")
    file = tmp_path / "pictures.bin"
    file.write_bytes(b"--" + content.getvalue())
    corners = read_corners(file, [{"place": 2, "size": len(content.getvalue())}])
    assert corners.shape == (4, 72, 90, 3)
    assert sorted(map(tuple, corners.mean((1, 2)))) == [(0, 0, 255)] * 2 + [(255, 0, 0)] * 2


@pytest.mark.parametrize("count", [0, 4])
def test_grounds_without_garments(count: int) -> None:
    corners = torch.full((count, 72, 90, 3), 60, dtype=torch.uint8)
    grounds = Grounds(corners, SIDE, torch.Generator().manual_seed(0)).alone(16)
    assert grounds.shape == (16, 3, SIDE, SIDE)
    of_corners = ((grounds - 60).abs() < 0.1).all(3).all(2).all(1).sum()
    assert (of_corners > 6) == (count > 0)


def test_mask_loss_ignores_unknown_garments() -> None:
    garment = torch.zeros(2, SIDE, SIDE)
    garment[:, :, : SIDE // 2] = 1
    views = Views(torch.zeros(2, SIDE, SIDE, 3), garment, torch.tensor([True, False]))
    logits = torch.full((2, 4, 4), -20.0)
    logits[0, :, :2] = 20
    assert mask_loss(views, logits) < 2
    assert mask_loss(views, logits.flip(0)) > 5


def composed_targets() -> Targets:
    pictures = [
        Picture(Path(), "1", "Red dress", describe("Dresses", "Red", "Women")),
        Picture(Path(), "2", "Blue shoes", describe("Heels", "Blue", "Women")),
        Picture(Path(), "3", "", describe("Heels")),
    ]
    return Targets(pictures, PhraseComposer(read_meanings(), False, 0), 5, torch.device("cpu"))


def test_an_empty_view_is_a_negative_of_all_texts_and_pictures() -> None:
    targets, batch = composed_targets(), torch.arange(3)
    captions = torch.arange(len(targets.captions))
    relation = targets.caption_relation(batch, captions, 2)
    assert relation.shape == (5, len(captions))
    assert (relation[3:] == FALSE).all()
    for picture, own in enumerate(targets.captions_of):
        assert (relation[picture, own] == TRUE).all()
    titles = targets.titles_of(batch)
    relation = targets.title_relation(batch, titles, 2)
    assert relation.tolist() == [[1, -1], [-1, 1], [-1, 0], [-1, -1], [-1, -1]]
    relation = targets.type_relation(batch, 2)
    assert (relation[:3, 3:] == FALSE).all()
    assert (relation[3:, 3:] == TRUE).all()


def test_batches_have_the_shares_of_the_catalogues() -> None:
    catalogues = ["shop"] * 50 + ["snapshots"] * 50
    rows = draw_rows(catalogues, {"shop": 0.6, "snapshots": 0.2}, 20, np.random.default_rng(0))
    batches = [next(rows) for _ in range(3)]
    assert [(batch < 50).sum() for batch in batches] == [15, 15, 15]
    assert len(set(np.concatenate(batches))) == 60, "no picture comes again before all others"
    assert len(next(draw_rows(catalogues, {}, 20, np.random.default_rng(0)))) == 20


def test_similarity_loss_is_zero_for_the_same_similarities() -> None:
    vectors, texts = torch.eye(4)[:2], torch.eye(4)
    assert similarity_loss(vectors, vectors, texts, 0.05) == pytest.approx(0, abs=1e-6)
    assert similarity_loss(vectors, vectors.flip(0), texts, 0.05) > 5


def test_lab_of_known_colours() -> None:
    colours = torch.tensor([[255.0, 255, 255], [0, 0, 0], [255, 0, 0]])
    found = lab(colours[:, :, None, None])[:, :, 0, 0] * 100
    expected = torch.tensor([[100.0, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]])
    assert torch.allclose(found, expected, atol=0.05)


def test_palette_of_pictures_and_its_shares() -> None:
    generator = torch.Generator().manual_seed(0)
    palette = Palette()
    with torch.no_grad():
        palette.colours.copy_(fit_palette(canvas("white"), generator))
    red = lab(torch.tensor(RED, dtype=torch.float)[None, :, None, None])[0, :, 0, 0]
    distance = (palette.colours - red).norm(dim=1)
    assert distance.median() < 0.01, "its colours are those of garments, not of grounds"
    pixels = torch.randint(0, 256, (2, SIDE, SIDE, 3), generator=generator)
    shares = palette(pixels, torch.rand(2, 1, 4, 4, generator=generator)) ** 2
    assert shares.shape == (2, COLOURS)
    assert torch.allclose(shares.sum(1), torch.ones(2), atol=1e-4)


def test_a_piece_of_fabric_learns_the_vector_of_its_garment() -> None:
    """With the published tower. Whole garments and empty grounds keep theirs."""
    canvases = torch.cat([_striped(colour) for colour in ("red", "blue", "green", "black")])
    corners = torch.full((4, 72, 90, 3), 60, dtype=torch.uint8)
    recipe = ImageRecipe(
        fabric_pieces=8, fabric_views=4, fabric_empty=32, fabric_steps=30, batch=32
    )
    tower = load_tower(WEIGHTS / "model.safetensors")
    garments = np.arange(len(canvases))
    pieces, owners = cut_pieces(canvases, garments, recipe, np.random.default_rng(1))
    assert len(pieces) == 8
    assert not is_white(pieces).any(), "they show nothing but fabric"
    whole = plain_views(canvases, recipe.side)

    def vectors(pixels: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return normalize(tower(pixels))

    before, garment = vectors(pieces), vectors(whole)
    learn_fabrics(tower, canvases, corners, recipe)
    assert ((vectors(whole) * garment).sum(1) > 0.95).all()
    nearer = (vectors(pieces) * garment[owners]).sum(1) - (before * garment[owners]).sum(1)
    assert nearer.mean() > 0.05


def test_without_garments_on_white_the_tower_stays() -> None:
    tower = load_tower(WEIGHTS / "model.safetensors")
    weights = tower.head.linear.weight.clone()
    corners = torch.zeros((0, 72, 90, 3), dtype=torch.uint8)
    learn_fabrics(tower, canvas("grey"), corners, ImageRecipe())
    assert torch.equal(tower.head.linear.weight, weights)


def _striped(colour: str) -> torch.Tensor:
    image = Image.new("RGB", (160, 160), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 20, 130, 140), fill=colour)
    for line in range(24, 140, 12):
        draw.line((30, line, 130, line), fill="yellow", width=4)
    return torch.from_numpy(as_canvas(image))[None]
