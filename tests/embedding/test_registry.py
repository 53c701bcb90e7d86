"""The registry: packaged entries, user entries, and error messages for malformed ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedding.registry import (
    NAME,
    RegistryError,
    UnknownModel,
    get_spec,
    install_entry,
    models,
    read_entry,
)

ENTRY = """
name = "tiny"
label = "Tiny"
summary = "Nothing much."
loader = "checkpoint"
checkpoint = "owner/tiny"
dimensions = 16
modalities = ["image", "text"]
licence = "MIT"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of entries that the registry reads."""
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tmp_path))
    return tmp_path


def test_packaged_entries() -> None:
    packaged = models()
    assert {"fashion", "imagenet", "clip"} <= packaged.keys()
    for name, spec in packaged.items():
        assert spec.name == name
        assert NAME.fullmatch(name)
        assert spec.label
        assert spec.summary
        assert spec.licence
    assert packaged["fashion"].modalities == ("text", "image")
    assert packaged["imagenet"].modalities == ("image",)
    assert packaged["clip"].dimensions == 512


def test_unknown_name_lists_what_exists() -> None:
    with pytest.raises(UnknownModel, match=r"'nothing'.*fashion"):
        get_spec("nothing")


def test_user_entry(folder: Path) -> None:
    (folder / "tiny.toml").write_text(ENTRY)
    spec = get_spec("tiny")
    assert spec.modalities == ("text", "image"), "text comes first whatever the file's order"
    assert spec.checkpoint == "owner/tiny"
    assert "fashion" in models()


def test_several_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.toml").write_text(ENTRY.replace("tiny", name))
    folders = os.pathsep.join(str(tmp_path / name) for name in ("one", "two"))
    monkeypatch.setenv("EMBEDDING_REGISTRY", folders)
    assert {"one", "two"} <= models().keys()


def test_changed_entry_is_read_again(folder: Path) -> None:
    (folder / "tiny.toml").write_text(ENTRY)
    assert get_spec("tiny").dimensions == 16
    (folder / "tiny.toml").write_text(ENTRY.replace("16", "32"))
    assert get_spec("tiny").dimensions == 32


@pytest.mark.process
def test_registry_variable_in_another_process(folder: Path) -> None:
    (folder / "tiny.toml").write_text(ENTRY)
    code = (
        "import sys, embedding.registry as registry;"
        "print(registry.get_spec('tiny').label, 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["Tiny", "False"]


def test_checkpoint_folder_is_relative_to_its_entry(folder: Path) -> None:
    (folder / "weights").mkdir()
    (folder / "a.toml").write_text(ENTRY.replace("owner/tiny", "weights"))
    (folder / "b.toml").write_text(ENTRY.replace("tiny", "missing").replace("owner", ".."))
    assert get_spec("tiny").checkpoint == str((folder / "weights").resolve())
    assert get_spec("missing").checkpoint == str((folder.parent / "missing").resolve())


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ('name = "Tiny"', 'name = "tiny"', "name 'Tiny'"),
        ('name = "tiny-1"', 'name = "tiny"', "name 'tiny-1'"),
        (f'name = "{"a" * 32}"', 'name = "tiny"', "name"),
        ('name = "product"', 'name = "tiny"', "name 'product' is used by the catalogue"),
        ('loader = "pickle"', 'loader = "checkpoint"', "loader 'pickle'"),
        ('checkpoint = ""', 'checkpoint = "owner/tiny"', "checkpoint"),
        ("dimensions = 0", "dimensions = 16", "dimensions"),
        ("dimensions = true", "dimensions = 16", "dimensions"),
        ('dimensions = "16"', "dimensions = 16", "dimensions"),
        ("dimensions = 4001", "dimensions = 16", "dimensions"),
        ("modalities = []", 'modalities = ["image", "text"]', "modalities"),
        ('modalities = "text"', 'modalities = ["image", "text"]', "modalities"),
        ('modalities = ["text", "text"]', 'modalities = ["image", "text"]', "modalities"),
        ('modalities = ["sound"]', 'modalities = ["image", "text"]', "modalities"),
        ("modalities = [[]]", 'modalities = ["image", "text"]', "modalities"),
        ("", 'licence = "MIT"', "licence is missing"),
        ("licence = 1", 'licence = "MIT"', "licence"),
        ('licence = ""', 'licence = "MIT"', "licence"),
        ('licence = "MIT"\ncolour = "red"', 'licence = "MIT"', "unknown field colour"),
        ("licence = MIT", 'licence = "MIT"', "not a TOML file"),
    ],
)
def test_malformed_entry_names_file_and_field(
    folder: Path, wrong: str, right: str, message: str
) -> None:
    (folder / "wrong.toml").write_text(ENTRY.replace(right, wrong))
    with pytest.raises(RegistryError, match=rf"wrong\.toml: {message}"):
        models()


def test_entry_that_is_not_text(folder: Path) -> None:
    (folder / "wrong.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RegistryError, match=r"wrong\.toml: not a TOML file"):
        models()


def test_duplicate_name(folder: Path) -> None:
    (folder / "mine.toml").write_text(ENTRY.replace("tiny", "clip"))
    with pytest.raises(RegistryError, match=r"mine\.toml: name 'clip' is already used"):
        models()


def test_missing_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tmp_path / "nowhere"))
    with pytest.raises(RegistryError, match="nowhere is not a folder"):
        models()


def test_an_entry_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMBEDDING_REGISTRY", raising=False)
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    mine = tmp_path / "mine.toml"
    mine.write_text(ENTRY.replace('"owner/tiny"', '"./tiny"').replace('"Tiny"', '"Tïny \\"two\\""'))
    spec, installed = install_entry(mine)
    assert installed == tmp_path / "var" / "registry" / "tiny.toml"
    assert spec == get_spec("tiny") == read_entry(installed)
    assert spec.checkpoint == str(tmp_path / "tiny")  # though the copy lies elsewhere
    assert spec.label == 'Tïny "two"'
    assert install_entry(mine) == (spec, installed)
    assert install_entry(installed) == (spec, installed)
    mine.write_text(ENTRY.replace("dimensions = 16", "dimensions = 17"))
    with pytest.raises(RegistryError, match=r"mine\.toml: name 'tiny' is already used by .*tiny"):
        install_entry(mine)
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    assert install_entry(mine)[1] == tmp_path / "own" / "tiny.toml"
