"""Test data that takes the same time as real data, without a download: JPEGs of the size of product
photographs, and a CLIP ViT-B/32 with random weights."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIZE = (640, 800)


def draw_pictures(folder: Path, count: int) -> list[Path]:
    """Write `count` JPEGs of 640 x 800 pixels and about 90 kB; existing files are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{number:05}.jpg" for number in range(count)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(_draw, [file for file in files if not file.exists()]))
    return files


def _draw(file: Path) -> None:
    rng = np.random.default_rng(int(file.stem))
    picture = Image.fromarray(rng.integers(120, 256, (5, 4, 3), np.uint8)).resize(SIZE)
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        corners = rng.integers(0, 800, 6).tolist()
        draw.polygon(corners, fill=tuple(rng.integers(0, 256, 3).tolist()))
    grain = Image.fromarray(rng.integers(0, 256, (400, 320, 3), np.uint8))
    texture = grain.resize(SIZE, Image.Resampling.BILINEAR)
    part = file.with_suffix(".part")
    Image.blend(picture, texture, 0.1).save(part, "JPEG", quality=88)
    part.replace(file)


def build_clip(folder: Path, name: str) -> None:
    """Write a registry entry `name` and its checkpoint into `folder`."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    from tests.embedding.tiny_clip import processor

    if (folder / f"{name}.toml").exists():
        return
    torch.manual_seed(0)
    checkpoint = folder / "clip-vit-b-32"
    processor(224, 77).save_pretrained(checkpoint)
    CLIPModel(CLIPConfig()).save_pretrained(checkpoint)
    entry = {
        "name": name,
        "label": "CLIP ViT-B/32 with random weights",
        "summary": "Takes the same time as the real one.",
        "loader": "checkpoint",
        "checkpoint": f"./{checkpoint.name}",
        "dimensions": 512,
        "modalities": ["image"],
        "licence": "none",
    }
    lines = (f"{field} = {json.dumps(value)}" for field, value in entry.items())
    (folder / f"{name}.toml").write_text("\n".join(lines))
