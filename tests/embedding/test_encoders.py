"""The contract of `Encoder`, tested with each kind of model."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from PIL import Image

from embedding.encoder import Encoder, EncoderError, UnsupportedModality, get_encoder
from embedding.registry import ModelSpec

pytestmark = pytest.mark.slow

MODELS = ("fashion", "imagenet", "tiny")
TEXTS = ["black heels for women", "a", "", "robe rouge à pois 👗", "very long " * 500]


@pytest.fixture(params=MODELS)
def encoder(request: pytest.FixtureRequest, with_tiny: None) -> Encoder:
    return get_encoder(request.param, "cpu")


def encode_texts_or_skip(encoder: Encoder, texts: list[str]) -> np.ndarray:
    if "text" not in encoder.spec.modalities:
        pytest.skip(f"{encoder.spec.name} encodes no texts")
    return encoder.encode_texts(texts)


def check_vectors(vectors: np.ndarray, encoder: Encoder, count: int) -> None:
    assert vectors.shape == (count, encoder.spec.dimensions)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_texts(encoder: Encoder) -> None:
    check_vectors(encode_texts_or_skip(encoder, TEXTS), encoder, len(TEXTS))


def test_images(encoder: Encoder, pictures: list[Image.Image]) -> None:
    check_vectors(encoder.encode_images(pictures), encoder, len(pictures))


def test_empty_batches(encoder: Encoder) -> None:
    check_vectors(encoder.encode_images([]), encoder, 0)
    check_vectors(encode_texts_or_skip(encoder, []), encoder, 0)


def test_encode_pixels_equals_encode_images(encoder: Encoder, pictures: list[Image.Image]) -> None:
    assert encoder.preparation is not None
    pixels = np.stack([encoder.preparation(picture) for picture in pictures])
    assert pixels.shape[1:] == encoder.preparation.shape
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(encoder.encode_pixels(pixels), encoder.encode_images(pictures))


def test_batch_equals_single_items(encoder: Encoder, pictures: list[Image.Image]) -> None:
    """Also across mini-batches, and in the given order."""
    many = pictures * 2
    alone = np.concatenate([encoder.encode_images([picture]) for picture in pictures])
    np.testing.assert_allclose(encoder.encode_images(many), np.tile(alone, (2, 1)), atol=1e-4)
    alone = np.concatenate([encode_texts_or_skip(encoder, [text]) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode_texts(TEXTS * 8), np.tile(alone, (8, 1)), atol=1e-4)


def test_different_pictures_have_different_vectors(
    encoder: Encoder, pictures: list[Image.Image]
) -> None:
    similarities = encoder.encode_images(pictures) @ encoder.encode_images(pictures).T
    assert (similarities[~np.eye(len(pictures), dtype=bool)] < 0.999).all()


def test_threads_share_one_encoder_and_get_correct_vectors(
    encoder: Encoder, pictures: list[Image.Image]
) -> None:
    texts = encoder.spec.modalities[0] == "text"
    expected = encoder.encode_texts(TEXTS) if texts else encoder.encode_images(pictures)
    start = Barrier(4)

    def work(_: int) -> None:
        start.wait()
        assert get_encoder(encoder.spec.name, "cpu") is encoder
        got = encoder.encode_texts(TEXTS) if texts else encoder.encode_images(pictures)
        np.testing.assert_allclose(got, expected, atol=1e-4)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))


def test_only_one_thread_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    from embedding import encoder as module
    from embedding.loaders import imagenet

    loads: list[str] = []
    monkeypatch.setattr(module, "_loads", {})

    def load(spec: ModelSpec, device: str) -> object:
        loads.append(device)
        return object()

    monkeypatch.setattr(imagenet, "load", load)
    with ThreadPoolExecutor(8) as pool:
        encoders = list(pool.map(lambda _: get_encoder("imagenet", "cpu"), range(8)))
    assert loads == ["cpu"]
    assert len(set(encoders)) == 1


def test_unsupported_modality() -> None:
    with pytest.raises(UnsupportedModality, match="'imagenet' does not encode texts, only images"):
        get_encoder("imagenet", "cpu").encode_texts(["red"])


def test_text_is_never_opened_as_a_file_or_url(
    with_tiny: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The URL, path or data URI of a picture is encoded as text."""
    path = tmp_path / "picture.png"
    Image.new("RGB", (8, 8), "red").save(path)
    hostile = [
        "http://127.0.0.1:9/picture.png",
        str(path),
        "data:image/png;base64,iVBORw0KGgo=",
        "https://youtu.be/x",
        "sound.wav",
    ]

    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("a text was opened")

    for name in ("tiny", "fashion"):
        encoder = get_encoder(name, "cpu")
        with monkeypatch.context() as patch:
            patch.setattr(Image, "open", forbidden)
            patch.setattr("socket.socket.connect", forbidden)
            vectors = encoder.encode_texts(hostile)
            harmless = encoder.encode_texts([f" {text}" for text in hostile])
        # Tokenizers ignore a leading space, and with it no string looks like an address or a path.
        np.testing.assert_allclose(vectors, harmless, atol=1e-4)


@pytest.mark.process
@pytest.mark.parametrize(
    "module",
    ["embedding", "embedding.encoder", "embedding.image_decoding", "embedding.decoder_pool"],
)
def test_importing_does_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; print('torch' in sys.modules, 'django' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


def test_device_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDING_DEVICE", "warp:9")
    with pytest.raises(EncoderError, match="no device 'warp:9' on this machine"):
        get_encoder("imagenet")


def test_texts_with_the_same_meaning_are_similar() -> None:
    encoder = get_encoder("fashion", "cpu")
    trousers, pants, toaster = encoder.encode_texts(["blue trousers", "blue pants", "a toaster"])
    assert trousers @ pants > 0.8 > 0.5 > trousers @ toaster


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        *((text, 0.0) for text in ("rote Turnschuhe", "red shoes", "zapatos rojos", "a", "платье")),
        *((text, 1.0) for text in ("牛仔裤", "\U0001f389", "tfblifwfvy", "Bnqvmhx duymnmfl")),
        ("\U0001f45f red", 0.5),
        ("tfblifwfvy red shoes", 1 / 3),
        ("crêpe espadrilles from Bydgoszcz", 0.0),
    ],
)
def test_unread_share_of_the_default_model(text: str, unread: float) -> None:
    assert get_encoder("fashion", "cpu").unread_share(text) == unread


def test_a_model_without_texts_reads_any() -> None:
    assert get_encoder("imagenet", "cpu").unread_share("牛仔裤") == 0
