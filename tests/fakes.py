"""An encoder without a model, for tests in which the model does not matter."""

from hashlib import sha256

import numpy as np
from PIL import Image

from embedding.preprocessing import Preparation
from embedding.registry import Modality, ModelSpec, get_spec

COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 160, 60),
    "blue": (30, 60, 210),
    "white": (250, 250, 250),
    "black": (15, 15, 15),
}


class WordsAndColours:
    """Encodes texts by their words and pictures by their mean colour.

    Vectors have the dimensions of the registry entry. Texts with common words are similar, pictures
    with similar colours are similar, and a text with the name of a colour is similar to pictures
    of that colour. The encoder is deterministic.
    """

    preparation: Preparation | None = None

    def __init__(self, name: str = "fashion") -> None:
        self.spec: ModelSpec = get_spec(name)
        self.texts: list[str] = []

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        self.texts += texts
        zero = np.zeros(self.spec.dimensions)
        return self._stack(
            [sum(map(self._word, text.casefold().split()), start=zero) for text in texts]
        )

    def unread_share(self, text: str) -> float:
        return float("\u725b" in text)

    def encode_images(self, images: list[Image.Image]) -> np.ndarray:
        return self._stack([self._picture(image) for image in images])

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        return self.encode_images([Image.fromarray(picture) for picture in pixels])

    def tune(self, modality: Modality) -> int:
        return 64

    def _stack(self, vectors: list[np.ndarray]) -> np.ndarray:
        if not vectors:
            return np.empty((0, self.spec.dimensions), np.float32)
        rows = np.stack([np.broadcast_to(v, self.spec.dimensions) + 1e-9 for v in vectors])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def _word(self, word: str) -> np.ndarray:
        seed = int.from_bytes(sha256(word.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).normal(size=self.spec.dimensions)

    def _picture(self, image: Image.Image) -> np.ndarray:
        mean = np.asarray(image.resize((1, 1)), dtype=float)[0, 0]
        weights = {
            word: np.exp(-np.linalg.norm(mean - np.array(colour)) / 40)
            for word, colour in COLOURS.items()
        }
        return sum(weight * self._word(word) for word, weight in weights.items())


class LettersAndColours(WordsAndColours):
    """The same, but words with common groups of three letters are similar too."""

    def _word(self, word: str) -> np.ndarray:
        padded = f" {word} "
        groups = [padded[start : start + 3] for start in range(len(padded) - 2)]
        return sum(map(super()._word, groups), start=np.zeros(self.spec.dimensions))
