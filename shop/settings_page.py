"""Generates `docs/settings.md` from the classes that declare the settings:

python -m shop.settings_page > docs/settings.md
"""

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from catalog.config import CatalogSettings
from embedding.config import EmbeddingSettings, Settings, about, names
from shop.config import RateSettings, ShopSettings

GROUPS: tuple[type[Settings], ...] = (
    CatalogSettings,
    EmbeddingSettings,
    ShopSettings,
    RateSettings,
)
INTRODUCTION = """\
# Settings

All settings are environment variables, and all of them have a default. An empty variable counts as
not set. A value that cannot be used ends a command with a message that names the variable.

Settings that shape searches (`MODELS`, `SEARCH_WINDOW`, `SEARCH_MIN_MATCH`) must be the same for
all processes of a shop. SQL uses their values from the last `./manage.py migrate`.

This page is generated: `python -m shop.settings_page > docs/settings.md`.
"""


def settings_page() -> str:
    """The page in Markdown, with one table per group."""
    return "\n".join((INTRODUCTION, *(line for group in GROUPS for line in _section(group))))


def _section(group: type[Settings]) -> Iterator[str]:
    yield f"## {group.title}\n"
    yield "| Variable | Meaning | Must be | Default |"
    yield "|---|---|---|---|"
    yield from map(_row, group.model_fields.values())
    yield ""


def _row(field: FieldInfo) -> str:
    name, *former = names(field)
    meaning = str(field.description)
    if former:
        meaning += f" Its former name, `{former[0]}`, still works."
    default = about(field)["default"] or f"`{field.default}`"
    return f"| `{name}` | {meaning} | {about(field)['allowed']} | {default} |"


if __name__ == "__main__":
    print(settings_page(), end="")
