"""The registry: packaged entries, user entries, and error messages for malformed ones."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from embedding import registry
from embedding.registry import (
    NAME,
    MissingFolder,
    RegistryError,
    UnknownModel,
    get_spec,
    install_entry,
    install_spec,
    models,
    read_entry,
    registry_file,
    registry_problems,
    require_checkpoint,
    smaller,
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
        ('licence = "  "', 'licence = "MIT"', "licence must be a non-empty text"),
        ('checkpoint = " "', 'checkpoint = "owner/tiny"', "checkpoint must be a non-empty text"),
        (r'label = "x\u007f"', 'label = "Tiny"', "label must not contain control characters"),
        (r'label = "x\u0000y"', 'label = "Tiny"', "label must not contain control characters"),
        (r'summary = "a\nb"', 'summary = "Nothing much."', "summary must not contain control"),
        (r'checkpoint = "./a\u0000"', 'checkpoint = "owner/tiny"', "checkpoint must not contain"),
        ('checkpoint = "~nosuchuser/x"', 'checkpoint = "owner/tiny"', "checkpoint '~nosuchuser/x'"),
        (f'checkpoint = "./{"a" * 300}"', 'checkpoint = "owner/tiny"', "checkpoint '.*too long"),
        (f"dimensions = 0x{'f' * 5000}", "dimensions = 16", "dimensions must be"),
    ],
)
def test_malformed_entry_names_file_and_field(
    folder: Path, wrong: str, right: str, message: str
) -> None:
    (folder / "wrong.toml").write_text(ENTRY.replace(right, wrong))
    [problem] = registry_problems()
    assert re.search(rf"wrong\.toml: {message}", str(problem))
    with pytest.raises(RegistryError, match=rf"wrong\.toml: {message}"):
        get_spec("tiny")


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"x = " + b"[" * 5000, b"x = " + b"9" * 5000, ENTRY.encode()[:60]]
)
def test_unreadable_files(folder: Path, content: bytes) -> None:
    (folder / "wrong.toml").write_bytes(content)
    [problem] = registry_problems()
    assert re.search(r"wrong\.toml: not a TOML file", str(problem))


def test_duplicate_name(folder: Path) -> None:
    (folder / "mine.toml").write_text(ENTRY.replace("tiny", "clip"))
    [problem] = registry_problems()
    assert re.search(r"mine\.toml: name 'clip' is already used", str(problem))
    assert get_spec("clip").dimensions == 512


def test_missing_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tmp_path / "nowhere"))
    [problem] = registry_problems()
    assert isinstance(problem, MissingFolder)
    assert "nowhere is not a folder" in str(problem)
    assert "fashion" in models()


def test_other_entries_are_usable_beside_a_malformed_one(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "wrong.toml").write_text("name =")
    (folder / "folder.toml").mkdir()
    (folder / "deleted.toml").symlink_to(folder / "nothing")  # listed, but not there when read
    (folder / "tiny.toml").write_text(ENTRY)
    for _ in range(3):
        assert {"tiny", "fashion"} <= models().keys()
    assert get_spec("tiny").dimensions == 16
    with pytest.raises(RegistryError, match=r"folder\.toml: Is a directory"):
        get_spec("wrong")
    warnings = [record.getMessage() for record in caplog.records]
    assert ["folder.toml" in text for text in warnings] == [True, False]
    assert ["wrong.toml" in text for text in warnings] == [False, True]


def test_an_entry_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMBEDDING_REGISTRY", raising=False)
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    mine = tmp_path / "mine.toml"
    mine.write_text(ENTRY.replace('"owner/tiny"', '"./tiny"').replace('"Tiny"', '"Tïny \\"two\\""'))
    installed, is_new = install_entry(mine)
    assert is_new
    assert installed == tmp_path / "var" / "registry" / "tiny.toml"
    assert list(installed.parent.iterdir()) == [installed]
    spec = get_spec("tiny")
    assert spec == read_entry(mine) == read_entry(installed)
    assert spec.checkpoint == str(tmp_path / "tiny")  # though the copy lies elsewhere
    assert spec.label == 'Tïny "two"'
    assert registry_file("tiny") == installed
    assert install_entry(mine) == (installed, False)
    assert install_entry(installed) == (installed, False)
    mine.write_text(ENTRY.replace("dimensions = 16", "dimensions = 17"))
    taken = r"mine\.toml: name 'tiny' is already used by .*tiny\.toml: edit or delete that file"
    with pytest.raises(RegistryError, match=taken):
        install_entry(mine)
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    assert install_entry(mine) == (tmp_path / "own" / "tiny.toml", True)


def test_a_file_with_another_entry_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    other = ENTRY.replace("tiny", "other")
    (folder / "tiny.toml").write_text(other)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.toml").write_text(ENTRY)
    with pytest.raises(RegistryError, match=r"tiny\.toml contains the entry of other: rename"):
        install_entry(tmp_path / "new" / "mine.toml")
    assert (folder / "tiny.toml").read_text() == other


def test_a_failed_copy_leaves_no_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new").mkdir()
    mine = tmp_path / "new" / "mine.toml"
    mine.write_text(ENTRY)

    def full_disk(source: str, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    with monkeypatch.context() as patch:
        patch.setattr("embedding.atomic_write.os.replace", full_disk)
        with pytest.raises(OSError, match="No space"):
            install_entry(mine)
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert install_entry(mine)[1]


def test_a_copy_that_cannot_be_read_is_not_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new").mkdir()
    mine = tmp_path / "new" / "mine.toml"
    mine.write_text(ENTRY.replace('"Tiny"', r'"x\u007f"'))  # JSON leaves it, TOML forbids it
    monkeypatch.setattr(registry, "UNPRINTABLE", frozenset())
    with pytest.raises(RegistryError, match=r"tiny\.toml: not a TOML file"):
        install_entry(mine)
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_a_missing_local_checkpoint_is_refused(folder: Path) -> None:
    (folder / "tiny.toml").write_text(ENTRY)
    require_checkpoint(get_spec("tiny"))  # may be a name on the hub
    (folder / "tiny.toml").write_text(ENTRY.replace("owner/", "./"))
    with pytest.raises(RegistryError, match="tiny is not a folder"):
        require_checkpoint(get_spec("tiny"))
    (folder / "tiny").mkdir()
    require_checkpoint(get_spec("tiny"))


def test_checkpoints_of_the_hub_are_pinned() -> None:
    """Otherwise whoever controls the repository changes what a shop loads."""
    folder = Path(registry.__file__).parent
    entries = {file: get_spec(file.stem) for file in folder.glob("*.toml")}
    from_hub = {file: spec for file, spec in entries.items() if spec.checkpoint}
    assert len(from_hub) > 4
    for file, spec in from_hub.items():
        assert re.fullmatch("[0-9a-f]{40}", spec.revision) or "# No revision:" in file.read_text()


def test_a_hyphen_counts_as_an_underscore_where_a_name_is_typed() -> None:
    assert get_spec("clip-multilingual").name == "clip_multilingual"
    with pytest.raises(UnknownModel, match="no model is called 'fashion-'"):
        get_spec("fashion-")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('revision = "main"', "revision must be a commit of 40 lower-case hex digits"),
        ('pictures = "tiny"', "pictures must name another model"),
        ('pictures = "two words"', "pictures must name another model"),
        ("full_dimensions = 15", r"full_dimensions must be a whole number from dimensions \(16\)"),
        ("full_dimensions = true", "full_dimensions must be a whole number"),
        ('pictures = "clip"\nfull_dimensions = 32', "pictures of another one cannot be reduced"),
        ("binary = 1", "binary must be true or false"),
        ('matryoshka = "yes"', "matryoshka must be true or false"),
    ],
)
def test_malformed_options(folder: Path, line: str, message: str) -> None:
    (folder / "tiny.toml").write_text(f"{ENTRY}{line}\n")
    with pytest.raises(RegistryError, match=message):
        get_spec("tiny")


def test_the_entry_of_a_smaller_model_is_written_and_read(folder: Path) -> None:
    spec = smaller(get_spec("fashion"), 64, binary=True)
    file, is_new = install_spec(spec, "test")
    assert (file, is_new) == (folder / "fashion_64_binary.toml", True)
    assert get_spec("fashion_64_binary") == spec
    assert install_spec(spec, "test") == (file, False)
    assert "matryoshka" not in file.read_text()  # defaults are left out
    file.write_text(file.read_text().replace('"fashion"', '""'))
    with pytest.raises(RegistryError, match="checkpoint must name the model whose vectors"):
        get_spec("fashion_64_binary")
