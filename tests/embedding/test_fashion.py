"""The fashion model with its shipped weights, quantised weights, and true captions."""

from pathlib import Path

import numpy as np
import pytest
import torch

from embedding.encoder import Encoder, EncoderError, get_encoder
from embedding.loaders.fashion import WEIGHTS, FashionEncoder, load_text_tower
from embedding.loaders.packing import BLOCKS, SCALE, pack, unpack
from embedding.registry import get_spec
from embedding.training.corpus import Corpus, PhraseComposer, add_captions
from embedding.training.data import Picture
from embedding.training.losses import FALSE, TRUE, UNKNOWN, relate, title_relation
from embedding.training.meanings import ASPECTS, picture_truth, read_meanings
from embedding.training.phrases import describe

TRANSLATIONS = [
    ("rote Turnschuhe für Herren", "men's red sneakers"),
    ("schwarzes Kleid", "black dress"),
    ("chaussures rouges pour hommes", "red shoes for men"),
    ("jupe bleue", "blue skirt"),
    ("vestido verde de lunares", "green polka dot dress"),
    ("zapatos de tacón negros", "black high heels"),
    ("camicia bianca da uomo", "men's white shirt"),
    ("pantaloncini gialli", "yellow shorts"),
    ("bruine sandalen", "brown sandals"),
    ("grijze trui", "grey sweater"),
    ("czerwona sukienka", "red dress"),
    ("niebieskie dżinsy", "blue jeans"),
    ("sapatos pretos", "black shoes"),
    ("camiseta rosa para menina", "pink t-shirt for girls"),
]


@pytest.fixture
def encoder() -> Encoder:
    return get_encoder("fashion", "cpu")


def test_a_phrase_is_nearest_to_its_translation(encoder: Encoder) -> None:
    foreign = encoder.encode_texts([phrase for phrase, _ in TRANSLATIONS])
    english = encoder.encode_texts([translation for _, translation in TRANSLATIONS])
    scores = foreign @ english.T
    assert (scores.argmax(1) == np.arange(len(TRANSLATIONS))).all()
    assert np.diag(scores).min() > 0.7


def test_case_and_spaces_are_ignored(encoder: Encoder) -> None:
    one, two = encoder.encode_texts(["Rotes  Kleid ", "rotes kleid"])
    assert one @ two > 0.9999


def test_unusual_texts_get_unit_vectors(encoder: Encoder) -> None:
    texts = ["", " ", "👗👠", "红色连衣裙", "\x00\ud800"[:1], "red " * 20_000, "ẞßŁł" * 40]
    vectors = encoder.encode_texts(texts)
    assert vectors.shape == (len(texts), 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_missing_weights_raise_a_helpful_error(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="cannot be loaded"):
        FashionEncoder(get_spec("fashion"), "cpu", tmp_path)
    with pytest.raises(EncoderError, match="they come with the project"):
        load_text_tower(tmp_path / "text.safetensors")


def test_the_text_tower_is_small() -> None:
    assert (WEIGHTS / "text.safetensors").stat().st_size < 30e6


def test_unpacking_reverses_packing() -> None:
    torch.manual_seed(0)
    tensors = {"layers.0.mix.weight": torch.randn(8, 64), "norm.bias": torch.randn(8)}
    packed = pack(tensors)
    assert packed["layers.0.mix.weight"].dtype == torch.int8
    assert "layers.0.mix.weight" + SCALE in packed
    for name, values in unpack(packed).items():
        assert (values - tensors[name]).abs().max() < 0.02, name


def test_unpacking_a_block_of_four_bits() -> None:
    scale = torch.tensor([0.5], dtype=torch.float16).view(torch.uint8)
    block = torch.cat([scale, torch.full((16,), 0x9F, dtype=torch.uint8)])
    values = unpack({"words" + BLOCKS: block.reshape(1, 1, 18)})["words"]
    assert values.shape == (1, 32)
    assert (values[0, :16] == 3.5).all()
    assert (values[0, 16:] == 0.5).all()


@pytest.fixture
def pictures() -> list[Picture]:
    """Red heels for women, navy jeans for boys, and a photograph known only as "outerwear"."""
    kinds = [("Heels", "Red", "Women"), ("Jeans", "Navy Blue", "Boys"), ("outwear", "", "")]
    titles = ["Catwalk Women Striped Red Heels", "Boys Navy Jeans", ""]
    return [
        Picture(Path(), str(place), title, describe(*kind))
        for place, (kind, title) in enumerate(zip(kinds, titles, strict=True))
    ]


def test_concepts_are_true_false_or_unknown_for_a_picture(pictures: list[Picture]) -> None:
    meanings = read_meanings()
    known = picture_truth(pictures, meanings)

    def truth(aspect: int, name: str) -> list[int]:
        number = meanings.number(aspect, name)
        return [int(known.truth(aspect, picture)[number]) for picture in range(3)]

    assert truth(0, "heels") == [TRUE, FALSE, FALSE]
    assert truth(0, "shoes") == [TRUE, FALSE, FALSE]
    assert truth(0, "pumps") == [UNKNOWN, FALSE, FALSE]
    assert truth(0, "jacket") == [FALSE, FALSE, UNKNOWN]
    assert truth(0, "outerwear") == [FALSE, FALSE, TRUE]
    assert truth(1, "red") == [TRUE, FALSE, UNKNOWN]
    assert truth(1, "navy") == [FALSE, TRUE, UNKNOWN]
    assert truth(2, "children") == [FALSE, TRUE, UNKNOWN]
    assert truth(3, "striped") == [TRUE, UNKNOWN, UNKNOWN]


def test_captions_are_true_for_their_picture(pictures: list[Picture]) -> None:
    meanings = read_meanings()
    known = picture_truth(pictures, meanings)
    corpus = Corpus()
    composer = PhraseComposer(meanings, False, 0)
    tables = [torch.from_numpy(table) for table in known.tables]
    for picture in range(3):
        indices = add_captions(corpus, composer, known, picture, 30)
        meant = torch.tensor([corpus.meanings[index] for index in indices])
        relation = relate(tables, torch.from_numpy(known.values[[picture]]), meant)
        assert (relation == TRUE).all()
    assert len(ASPECTS) == len(tables)


def test_held_out_concepts_are_phrased_only_in_english() -> None:
    meanings = read_meanings()
    composer = PhraseComposer(meanings, True, 0)
    sneakers = meanings.number(0, "sneakers"), 0, 0, 0
    languages = {composer.choose_language(sneakers, english=0.0) for _ in range(50)}
    every = {
        name: {composer.choose_language((meanings.number(0, name), 0, 0, 0), 0.0) for _ in range(9)}
        for name in ("dress", "skirt", "hat", "boots", "bag", "jeans", "shirt", "coat")
    }
    assert {"en"} in every.values()
    assert languages == {"en"} or "en" not in languages


def test_title_relation() -> None:
    relation = title_relation(
        torch.tensor([0, 1, -1, -1]),
        torch.tensor([5, 6, 5, 7]),
        torch.tensor([0, 1]),
        torch.tensor([5, 6]),
    )
    expected = [[TRUE, FALSE], [FALSE, TRUE], [UNKNOWN, FALSE], [FALSE, FALSE]]
    assert relation.tolist() == expected
