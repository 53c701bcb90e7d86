"""The command `finetune_model`, from a catalogue to a model with tables."""

import csv
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.training_products import read_training_products
from embedding.encoder import load_encoder
from embedding.registry import get_spec
from tests.embedding.test_finetuning import COLOURS, TYPES, draw
from tests.embedding.tiny_clip import build_tiny_clip

OPTIONS = {"epochs": 8, "lr": 1e-2, "batch_size": 32, "freeze": "no", "verbosity": 0}


pytestmark = pytest.mark.slow


@pytest.fixture
def shop(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalogue of drawn shirts and bags, and the model `tiny` in the registry."""
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("MEDIA_ROOT", str(tmp_path / "media"))
    monkeypatch.setenv("EMBEDDING_DEVICE", "cpu")
    (tmp_path / "var" / "registry").mkdir(parents=True)
    build_tiny_clip(tmp_path / "var" / "registry")
    with (tmp_path / "c.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["sku", "title", "product_type", "colour", "gender", "images"])
        for number in range(132):
            colour, kind = COLOURS[number % 6], TYPES[number // 6 % 2]
            draw(tmp_path / f"{number}.png", colour, kind, number)
            title = f"{colour} {kind.lower()[:-1]}"
            table.writerow([f"S{number:03}", title, kind, colour, "Women", f"{number}.png"])
    import_catalog(tmp_path / "c.csv", tmp_path)
    return tmp_path


def test_model_is_tuned_and_added(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    relevant = {f"S{number:03}": 1 for number in range(0, 132, 6)}
    judgments = [
        {"id": "1", "text": "scarlet", "relevant": relevant},
        {"id": "2", "text": "a", "filters": {"colour": ["red"]}, "relevant": relevant},
    ]
    (shop / "j.jsonl").write_text("".join(json.dumps(each) + "\n" for each in judgments))
    call_command("finetune_model", "tiny", "my-tiny", judgments=[shop / "j.jsonl"], **OPTIONS)
    out, err = capsys.readouterr()
    assert "1 of 2 judgments" in err
    assert "epoch 2: loss" in err
    assert "Held-out products with tiny: title to picture R@10" in out
    assert "Held-out products with my_tiny: title to picture R@10" in out
    assert "Created the tables of my_tiny" in out
    assert "./manage.py embed_catalog --model my_tiny" in out
    assert "--model tiny --model my_tiny" in out
    spec = get_spec("my_tiny")
    assert spec.checkpoint == str(shop / "var" / "models" / "my_tiny")
    assert [it.name for it in (shop / "var" / "models").iterdir()] == ["my_tiny"]
    assert load_encoder(spec).encode_texts(["red"]).shape == (1, spec.dimensions)
    with connect() as connection:
        assert connection.exec_driver_sql("SELECT 1 FROM model WHERE name = 'my_tiny'").scalar()
    with pytest.raises(CommandError, match="there is a model my_tiny already"):
        call_command("finetune_model", "tiny", "my_tiny", **OPTIONS)


def test_products_are_described_by_their_facets(shop: Path) -> None:
    with connect() as connection:
        products = read_training_products(connection, shop / "media")
        some = read_training_products(connection, shop / "media", limit=20)
    assert len(products) == 132
    assert dict(products[1].attributes) == {
        **{"type": "shirt", "group": "shirt"},
        **{"colour": "green", "gender": "women"},
    }
    assert products[0].pictures[0].is_file()
    assert len(some) == 20
    assert [it.sku for it in some] == sorted(it.sku for it in some)
    assert {it.sku for it in some} != {it.sku for it in products[:20]}


MISUSE = [
    (["nothing", "new"], "no model is called 'nothing'"),
    (["tiny", "fashion"], "there is a model fashion already"),
    (["tiny", "New!"], "lower-case letter"),
    (["tiny", "new", "--limit", "59"], r"at least 60 products with a picture.* has 59"),
    (["tiny", "new", "--judgments", "none.jsonl"], "none.jsonl: No such file"),
    (["tiny", "new", "--batch-size", "2"], "at least 4 pictures"),
    (["tiny", "new", "--lr", "2"], "is not a number above 0"),
    (["tiny", "new", "--device", "nonsense"], "no device 'nonsense'"),
]


def test_misuse(shop: Path) -> None:
    for arguments, message in MISUSE:
        with pytest.raises(CommandError, match=message) as caught:
            call_command("finetune_model", *arguments, verbosity=0)
        if arguments[2:3] not in (["--batch-size"], ["--lr"]):  # argparse ends commands itself
            assert caught.value.returncode == 2
        assert not (shop / "var" / "models" / "new").exists()


def test_a_model_that_is_no_better_is_not_added(shop: Path) -> None:
    options = OPTIONS | {"epochs": 1, "lr": 1e-12}
    with pytest.raises(CommandError, match="no fine-tuned weights are better") as caught:
        call_command("finetune_model", "tiny", "new", **options)
    assert caught.value.returncode == 1
    assert not (shop / "var" / "models" / "new").exists()


def test_a_folder_without_an_entry_is_named(shop: Path) -> None:
    (shop / "var" / "models" / "new").mkdir(parents=True)
    with pytest.raises(CommandError, match=r"add it \(./manage.py add_model .*new.toml\)"):
        call_command("finetune_model", "tiny", "new", **OPTIONS)
