"""The catalogues of translations: complete, compiled, and in step with the code."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import call_command

from embedding.registry import models
from shop.model_summaries import SUMMARIES
from shop.search_messages import MESSAGES
from tests.conftest import PROJECT

LOCALE = PROJECT / "shop" / "locale"
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%(?:\w+%%|s)|</?\w+[^>]*>")


def catalogue(language: str, folder: Path = LOCALE) -> Catalog:
    with (folder / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def forms(text: Any) -> tuple[str, ...]:
    """A text, or the singular and the plural of one with a number."""
    return tuple(text) if isinstance(text, (tuple, list)) else (text,)


def texts(catalogue: Catalog) -> dict[tuple[str | None, str], tuple[str, ...]]:
    """The translations by context and English text."""
    return {(it.context, forms(it.id)[0]): forms(it.string) for it in catalogue if it.id}


def test_every_language_of_the_settings_has_a_catalogue() -> None:
    assert sorted(it.name for it in LOCALE.iterdir()) == sorted(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_with_its_placeholders(language: str) -> None:
    found = catalogue(language)
    assert not found.obsolete
    for message in found:
        if not message.id:
            continue
        ids, strings = forms(message.id), forms(message.string)
        assert not message.fuzzy
        assert len(strings) == len(ids)
        for original, string in zip(ids, strings, strict=True):
            assert string, original
            assert sorted(PLACEHOLDER.findall(string)) == sorted(PLACEHOLDER.findall(original))
            assert string == string.strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogue_is_current(language: str) -> None:
    with (LOCALE / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        compiled = read_mo(file)
    assert texts(compiled) == texts(catalogue(language)), "run: make messages"


def test_summaries_of_all_models_can_be_translated() -> None:
    assert {it.summary for it in models().values()} == set(SUMMARIES)


@pytest.mark.skipif(not shutil.which("xgettext"), reason="GNU gettext is not installed")
def test_catalogues_have_exactly_the_texts_of_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "shop"
    shutil.copytree(
        PROJECT / "shop", copy, ignore=shutil.ignore_patterns("static", "__pycache__", "*.mo")
    )
    monkeypatch.chdir(copy)
    makefile = (PROJECT / "Makefile").read_text()
    ignored = re.findall(r"--ignore '([^']+)'", makefile)
    monkeypatch.setattr(settings, "LOCALE_PATHS", [str(copy / "locale")])
    options = {"ignore_patterns": ignored, "locale": LANGUAGES, "verbosity": 0}
    call_command("makemessages", no_obsolete=True, no_location=True, **options)
    for language in LANGUAGES:
        extracted = catalogue(language, copy / "locale")
        assert texts(extracted).keys() == texts(catalogue(language)).keys(), "run: make messages"
        assert set(MESSAGES) <= {msgid for _, msgid in texts(extracted)}
