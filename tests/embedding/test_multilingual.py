"""The multilingual model with its shipped weights; packing; what captions may claim."""

from pathlib import Path

import numpy as np
import pytest
import torch

from embedding.encoder import Encoder, EncoderError, get_encoder
from embedding.loaders.multilingual import WEIGHTS, MultilingualEncoder, load_text_tower
from embedding.loaders.packing import BLOCKS, SCALE, pack, unpack
from embedding.registry import get_spec
from embedding.training.data import Picture
from embedding.training.joint.corpus import Corpus, Speaker, caption
from embedding.training.joint.losses import relate, title_relation
from embedding.training.joint.meanings import ASPECTS, know, read_meanings
from embedding.training.objective import FALSE, TRUE, UNKNOWN
from embedding.training.phrases import describe

TWINS = [
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
    return get_encoder("fashion_multilingual", "cpu")


def test_a_phrase_lies_beside_its_english_twin(encoder: Encoder) -> None:
    foreign = encoder.encode_texts([phrase for phrase, _ in TWINS])
    english = encoder.encode_texts([twin for _, twin in TWINS])
    scores = foreign @ english.T
    assert (scores.argmax(1) == np.arange(len(TWINS))).all()
    assert np.diag(scores).min() > 0.7


def test_case_and_space_change_nothing(encoder: Encoder) -> None:
    one, two = encoder.encode_texts(["Rotes  Kleid ", "rotes kleid"])
    assert one @ two > 0.9999


def test_what_nobody_would_ask_does_no_harm(encoder: Encoder) -> None:
    texts = ["", " ", "👗👠", "红色连衣裙", "\x00\ud800"[:1], "red " * 20_000, "ẞßŁł" * 40]
    vectors = encoder.encode_texts(texts)
    assert vectors.shape == (len(texts), 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_missing_weights_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="cannot be loaded"):
        MultilingualEncoder(get_spec("fashion_multilingual"), "cpu", tmp_path)
    with pytest.raises(EncoderError, match="they come with the project"):
        load_text_tower(tmp_path / "text.safetensors")


def test_the_text_tower_is_small() -> None:
    assert (WEIGHTS / "text.safetensors").stat().st_size < 30e6


def test_eight_bits_keep_a_matrix() -> None:
    torch.manual_seed(0)
    tensors = {"layers.0.mix.weight": torch.randn(8, 64), "norm.bias": torch.randn(8)}
    packed = pack(tensors)
    assert packed["layers.0.mix.weight"].dtype == torch.int8
    assert "layers.0.mix.weight" + SCALE in packed
    for name, values in unpack(packed).items():
        assert (values - tensors[name]).abs().max() < 0.02, name


def test_four_bits_by_hand() -> None:
    scale = torch.tensor([0.5], dtype=torch.float16).view(torch.uint8)
    block = torch.cat([scale, torch.full((16,), 0x9F, dtype=torch.uint8)])
    values = unpack({"words" + BLOCKS: block.reshape(1, 1, 18)})["words"]
    assert values.shape == (1, 32)
    assert (values[0, :16] == 3.5).all()
    assert (values[0, 16:] == 0.5).all()


@pytest.fixture
def pictures() -> list[Picture]:
    """Red heels for women; navy jeans; a photograph of which only "outerwear" is known."""
    kinds = [("Heels", "Red", "Women"), ("Jeans", "Navy Blue", "Boys"), ("outwear", "", "")]
    titles = ["Catwalk Women Striped Red Heels", "Boys Navy Jeans", ""]
    return [
        Picture(Path(), str(place), title, describe(*kind))
        for place, (kind, title) in enumerate(zip(kinds, titles, strict=True))
    ]


def test_what_is_true_of_a_picture(pictures: list[Picture]) -> None:
    meanings = read_meanings()
    known = know(pictures, meanings)

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


def test_captions_are_true_of_their_picture(pictures: list[Picture]) -> None:
    meanings = read_meanings()
    known = know(pictures, meanings)
    corpus = Corpus()
    speaker = Speaker(meanings, False, 0)
    tables = [torch.from_numpy(table) for table in known.tables]
    for picture in range(3):
        places = caption(corpus, speaker, known, picture, 30)
        meant = torch.tensor([corpus.meanings[place] for place in places])
        relation = relate(tables, torch.from_numpy(known.values[[picture]]), meant)
        assert (relation == TRUE).all()
    assert len(ASPECTS) == len(tables)


def test_what_is_kept_back_is_said_in_english_only() -> None:
    meanings = read_meanings()
    speaker = Speaker(meanings, True, 0)
    sneakers = meanings.number(0, "sneakers"), 0, 0, 0
    said = {speaker.language(sneakers, english=0.0) for _ in range(50)}
    every = {
        name: {speaker.language((meanings.number(0, name), 0, 0, 0), 0.0) for _ in range(9)}
        for name in ("dress", "skirt", "hat", "boots", "bag", "jeans", "shirt", "coat")
    }
    assert {"en"} in every.values()
    assert said == {"en"} or "en" not in said


def test_titles_by_hand() -> None:
    relation = title_relation(
        torch.tensor([0, 1, -1, -1]),
        torch.tensor([5, 6, 5, 7]),
        torch.tensor([0, 1]),
        torch.tensor([5, 6]),
    )
    expected = [[TRUE, FALSE], [FALSE, TRUE], [UNKNOWN, FALSE], [FALSE, FALSE]]
    assert relation.tolist() == expected
