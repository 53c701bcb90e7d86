"""Fixed texts of templates are looked up once for each language, and are those of Django's tags."""

from unittest.mock import patch

import pytest
from django.template import Context, Engine
from django.utils import translation

ENGINES = {
    library: Engine(libraries={"texts": library})
    for library in ("shop.templatetags.texts", "django.templatetags.i18n")
}
SOURCES = [
    '{% translate "Out of stock" %}',
    "{% translate 'Search' context 'to search' %}",
    '{% translate "Out of stock" as text %}[{{ text }}]',
    '{% translate "Out of stock"|upper %}',
    "{% translate words %}",
    '{% translate "50 %% < 60" %}',
    "{% blocktranslate %}Just <b>the</b> words{% endblocktranslate %}",
    "{% blocktranslate with words=words %}Just the words “{{ words }}”{% endblocktranslate %}",
    "{% blocktranslate count number=2 with total=2 %}{{ total }} product{% plural %}"
    "{{ total }} products{% endblocktranslate %}",
]


def rendered(library: str, source: str, language: str, words: str = "Remove") -> str:
    template = ENGINES[library].from_string("{% load texts %}" + source)
    with translation.override(language):
        return template.render(Context({"words": words}))


@pytest.mark.parametrize("source", SOURCES)
def test_texts_are_those_of_django(source: str) -> None:
    for language in ("de", "en-gb", "fr", "de"):
        own, theirs = (rendered(library, source, language) for library in ENGINES)
        assert own == theirs


def test_a_template_has_the_text_of_each_language() -> None:
    engine = ENGINES["shop.templatetags.texts"]
    template = engine.from_string('{% load texts %}{% translate "Out of stock" %}')
    found = []
    for language in ("en-gb", "de", "en-gb"):
        with translation.override(language):
            found.append(template.render(Context()))
    assert found[0] == found[2] == "Out of stock" != found[1]


def test_fixed_texts_are_looked_up_once_and_others_each_time() -> None:
    engine = ENGINES["shop.templatetags.texts"]
    template = engine.from_string('{% load texts %}{% translate "Remove" %}{% translate words %}')
    with translation.override("de"):
        template.render(Context({"words": "Search"}))
        with patch("django.templatetags.i18n.render_value_in_context", return_value="new"):
            found = template.render(Context({"words": "Close"}))
    assert found.endswith("new")
    assert not found.startswith("new")
