"""The loaders of the hub's models, through their real code, with tiny random checkpoints."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file

from embedding import encoder
from embedding.checkpoints import commit_of, find_folder
from embedding.encoder import EncoderError, get_encoder
from embedding.fingerprint import fingerprint
from embedding.registry import get_spec
from tests.embedding.hub_checkpoints import (
    LETTERS,
    RESNET_WIDTHS,
    SIGLIP_TOKENS,
    build_clip,
    build_multilingual,
    build_resnet,
    build_siglip2,
)
from tests.embedding.tiny_clip import DIMENSIONS, build_tiny_clip, write_entry

OPEN_CLIP = Path(__file__).parent.parent / "fixtures" / "open_clip"
"""A tiny SigLIP that OpenCLIP 3.3 with timm 1.0 saved, and the vectors that OpenCLIP computed."""

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of registry entries; no hub is reached."""
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tmp_path))
    monkeypatch.setenv("EMBEDDING_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(encoder, "_loads", {})
    return tmp_path


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """A picture with details at several scales, larger than the models need."""
    rng = np.random.default_rng(1)
    return Image.fromarray(rng.integers(0, 256, (40, 30, 3), np.uint8)).resize((300, 400), 3)


def unit(vectors: torch.Tensor) -> np.ndarray:
    return torch.nn.functional.normalize(vectors).detach().numpy()


def same(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-4) -> None:
    assert found.shape == expected.shape
    np.testing.assert_allclose((found * expected).sum(1), 1, atol=tolerance)


def test_resnet_pools_its_last_layer(folder: Path, photo: Image.Image) -> None:
    build_resnet(folder / "checkpoint")
    write_entry(folder, loader="resnet", dimensions=RESNET_WIDTHS[-1], modalities=["image"])
    found = get_encoder("tiny", "cpu")
    processor = transformers.AutoImageProcessor.from_pretrained(folder / "checkpoint")
    pixels = processor([photo], return_tensors="pt")["pixel_values"]
    assert pixels.shape[2:] == (224, 224)
    model = transformers.ResNetModel.from_pretrained(folder / "checkpoint").eval()
    same(found.encode_images([photo]), unit(model(pixels).pooler_output.flatten(1)))
    assert found.preparation is not None


def test_siglip2_pads_texts_to_the_full_length_in_lower_case(
    folder: Path, photo: Image.Image
) -> None:
    build_siglip2(folder / "checkpoint")
    write_entry(folder, loader="siglip", dimensions=16)
    found = get_encoder("tiny", "cpu")
    model = transformers.SiglipModel.from_pretrained(folder / "checkpoint").eval()
    ids = [*(4 + LETTERS.index(letter) for letter in "red"), 1]
    padded = torch.tensor([ids + [0] * (SIGLIP_TOKENS - len(ids))])
    expected = unit(model.get_text_features(input_ids=padded).pooler_output)
    same(found.encode_texts(["Red"]), expected)
    assert (found.encode_texts(["blue"]) @ expected.T).item() < 0.99
    long = found.encode_texts(["a" * 50, "a" * 90])
    same(long[:1], long[1:])
    processor = transformers.AutoImageProcessor.from_pretrained(folder / "checkpoint")
    pixels = processor([photo], return_tensors="pt")["pixel_values"]
    same(found.encode_images([photo]), unit(model.get_image_features(pixels).pooler_output))
    assert found.unread_share("red") == 0
    assert found.unread_share("\u8863") == 1


def test_open_clip_checkpoints_give_the_vectors_of_open_clip(folder: Path) -> None:
    write_entry(folder, loader="siglip", checkpoint=str(OPEN_CLIP), dimensions=32)
    found = get_encoder("tiny", "cpu")
    expected = json.loads((OPEN_CLIP / "expected.json").read_text())
    texts = found.encode_texts(expected["texts"])
    np.testing.assert_allclose(texts, expected["text_vectors"], atol=1e-5)
    image = found.encode_images([Image.open(OPEN_CLIP / "picture.png")])
    np.testing.assert_allclose(image, [expected["image_vector"]], atol=1e-5)


def test_another_picture_tower_is_refused(folder: Path) -> None:
    shutil.copytree(OPEN_CLIP, folder / "checkpoint")
    file = folder / "checkpoint" / "open_clip_config.json"
    file.write_text(file.read_text().replace("vit_base_patch16_siglip_224", "convnext_base"))
    write_entry(folder, loader="siglip", dimensions=32)
    with pytest.raises(EncoderError, match="picture tower convnext_base is not supported"):
        get_encoder("tiny", "cpu")


@pytest.fixture
def two_towers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`clip` and `clip_multilingual` with tiny checkpoints in place of downloads."""
    checkpoints = folder / "checkpoints" / "sentence-transformers"
    checkpoints.mkdir(parents=True)
    build_clip(checkpoints / "clip-ViT-B-32")
    build_multilingual(checkpoints / "clip-ViT-B-32-multilingual-v1", DIMENSIONS)
    packaged = folder / "packaged"
    packaged.mkdir()
    for name in ("clip", "clip_multilingual"):
        entry = (encoder_entries() / f"{name}.toml").read_text()
        (packaged / f"{name}.toml").write_text(entry.replace("512", str(DIMENSIONS)))
    monkeypatch.setattr("embedding.registry.PACKAGED", packaged)
    return checkpoints


def encoder_entries() -> Path:
    from embedding import registry

    return Path(registry.__file__).parent


def test_clip_in_the_layout_of_sentence_transformers(two_towers: Path, photo: Image.Image) -> None:
    found = get_encoder("clip", "cpu")
    model = transformers.CLIPModel.from_pretrained(
        two_towers / "clip-ViT-B-32" / "0_CLIPModel"
    ).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(
        two_towers / "clip-ViT-B-32" / "0_CLIPModel"
    )
    pixels = processor([photo], return_tensors="pt")["pixel_values"]
    same(found.encode_images([photo]), unit(model.get_image_features(pixels).pooler_output))
    assert found.encode_texts(["red"]).shape == (1, DIMENSIONS)


def test_clip_multilingual_reads_texts_itself_and_pictures_with_clip(
    two_towers: Path, photo: Image.Image
) -> None:
    found, clip = get_encoder("clip-multilingual", "cpu"), get_encoder("clip", "cpu")
    same(found.encode_images([photo]), clip.encode_images([photo]))
    assert found.preparation == clip.preparation
    folder = two_towers / "clip-ViT-B-32-multilingual-v1"
    tokens = [2, 4 + LETTERS.index("r"), *(40 + LETTERS.index(it) for it in "ed"), 3]
    states = transformers.DistilBertModel.from_pretrained(folder)(
        torch.tensor([tokens])
    ).last_hidden_state
    dense = load_file(folder / "2_Dense" / "model.safetensors")["linear.weight"]
    expected = unit(states.mean(1) @ dense.T)
    same(found.encode_texts(["red"]), expected)
    # Padding beside a longer text changes nothing.
    same(found.encode_texts(["red", "a much longer text"])[:1], expected)
    assert found.unread_share("\u8863") > 0


def test_pickled_weights_are_refused(two_towers: Path) -> None:
    dense = two_towers / "clip-ViT-B-32-multilingual-v1" / "2_Dense"
    (dense / "model.safetensors").rename(dense / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"2_Dense/pytorch_model.bin are a pickle"):
        get_encoder("clip_multilingual", "cpu")


def test_code_of_a_checkpoint_is_never_run(folder: Path) -> None:
    build_tiny_clip(folder)
    config = folder / "checkpoint" / "config.json"
    values = json.loads(config.read_text())
    values |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}}
    config.write_text(json.dumps(values))
    (folder / "checkpoint" / "own.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(EncoderError, match="cannot be loaded") as caught:
        get_encoder("tiny", "cpu")
    assert "it ran" not in str(caught.value)


def test_a_failed_download_says_in_one_line_what_to_do(folder: Path) -> None:
    with pytest.raises(EncoderError) as caught:
        get_encoder("siglip2", "cpu")
    message = str(caught.value)
    assert "\n" not in message
    own = folder / "checkpoints" / "google" / "siglip2-base-patch16-224"
    assert "run `hf download google/siglip2-base-patch16-224 --local-dir FOLDER" in message
    assert f"--revision {get_spec('siglip2').revision}`, and copy FOLDER to {own}" in message


def cached(folder: Path, spec_name: str, build: Path) -> Path:
    """Put a checkpoint into the hub's cache as the pinned commit of a model."""
    spec = get_spec(spec_name)
    repository = folder / "cache" / f"models--{spec.checkpoint.replace('/', '--')}"
    snapshot = repository / "snapshots" / spec.revision
    snapshot.parent.mkdir(parents=True)
    build.rename(snapshot)
    return snapshot


def test_the_pinned_commit_is_read_from_the_cache(two_towers: Path, folder: Path) -> None:
    snapshot = cached(folder, "clip", two_towers / "clip-ViT-B-32")
    spec = get_spec("clip")
    assert find_folder(spec) == snapshot
    assert get_encoder("clip", "cpu").encode_texts(["red"]).shape == (1, DIMENSIONS)
    assert fingerprint(spec, "image") == spec.revision[:16]
    others = snapshot.rename(snapshot.with_name(COMMIT))
    (others.parent.parent / "refs").mkdir()
    (others.parent.parent / "refs" / "main").write_text(COMMIT)
    assert find_folder(spec) is None  # another commit


def test_a_copied_folder_has_the_fingerprint_of_its_commit(two_towers: Path) -> None:
    spec = get_spec("clip")
    copied = two_towers / "clip-ViT-B-32"
    before = fingerprint(spec, "image")
    assert commit_of(copied) == ""
    record = copied / ".cache/huggingface/download/0_CLIPModel/config.json.metadata"
    record.parent.mkdir(parents=True)
    record.write_text(f"{spec.revision}\nan etag\n1764201600.0\n")
    assert fingerprint(spec, "image") == spec.revision[:16] != before
    assert fingerprint(get_spec("clip_multilingual"), "image") == spec.revision[:16]
