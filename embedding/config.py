"""Settings in the environment: how they are declared and read, and the two of the models.

The classes `EmbeddingSettings`, `catalog.config.CatalogSettings` and `shop.config.ShopSettings`
are the only places that name settings. `docs/settings.md` is generated from them.
"""

import os
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from embedding.errors import UserFacingError


class ConfigError(UserFacingError, ValueError):
    """An environment variable has a value that cannot be used; the message names the variable."""


class Settings(BaseSettings):
    """A group of settings; each field is read from the variable of its name in capitals.

    An unset or empty variable means the default. Fields are declared with `setting`.
    """

    model_config = SettingsConfigDict(
        alias_generator=str.upper,
        case_sensitive=True,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=False,
    )

    title: ClassVar[str]
    """The group's heading in `docs/settings.md`."""

    @classmethod
    def read(cls) -> Self:
        """The settings as the environment is now.

        They are parsed again only after a variable of the group has changed.

        Raises:
            ConfigError: a variable of the group has a value that cannot be used.
        """
        return _parse(cls, tuple(map(os.environ.get, _variables(cls))))


def setting(
    default: Any = None,
    *,
    allowed: str,
    description: str,
    default_text: str = "",
    **more: Any,
) -> Any:
    """A field of `Settings`.

    Args:
        default: the value where the variable is not set.
        allowed: which values can be used. The error message says "NAME must be {allowed}".
        description: what the setting is for, as a sentence.
        default_text: the default as the documentation shows it, if it is not a plain value.
        more: as pydantic's `Field` takes it. A former name that is still read where the present
            one is not set is a second choice of `validation_alias`.
    """
    if "default_factory" not in more:
        more["default"] = default
    extra: dict[str, Any] = {"allowed": allowed, "default": default_text}
    return Field(description=description, json_schema_extra=extra, **more)


def about(field: FieldInfo) -> Mapping[str, Any]:
    """What `setting` was given for the documentation: `allowed` and `default`."""
    assert isinstance(field.json_schema_extra, dict)
    return field.json_schema_extra


def names(field: FieldInfo) -> list[str]:
    """The environment variables that a field is read from, the present name first."""
    if isinstance(field.validation_alias, AliasChoices):
        return [str(name) for name in field.validation_alias.choices]
    return [str(field.validation_alias)]


@cache
def _variables(group: type[Settings]) -> tuple[str, ...]:
    return tuple(name for field in group.model_fields.values() for name in names(field))


Group = TypeVar("Group", bound=Settings)


@lru_cache(maxsize=32)
def _parse(group: type[Group], _values: tuple[str | None, ...]) -> Group:
    try:
        return group()
    except ValidationError as error:
        present_name = error.errors()[0]["loc"][0]  # even where the former one was read
        field = next(it for it in group.model_fields.values() if names(it)[0] == present_name)
        variable = next(filter(os.environ.get, names(field)))
        message = f"{variable} must be {about(field)['allowed']}, not {os.environ[variable]!r}"
        raise ConfigError(message) from error


def split_list(text: str) -> list[str]:
    """The entries of a comma-separated setting; blanks around them do not count."""
    return [entry for part in text.split(",") if (entry := part.strip())]


def _folders(text: str) -> tuple[Path, ...]:
    return tuple(map(Path, filter(None, text.split(os.pathsep))))


class EmbeddingSettings(Settings):
    """What the models read."""

    title = "Models"

    embedding_device: str | None = setting(
        allowed="a device as torch names it",
        default_text="`cuda` where there is one, otherwise `cpu`",
        description="Where models run: `cpu`, `cuda` or `cuda:N`.",
    )
    embedding_registry: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_folders)] = setting(
        (),
        allowed="folders, separated as in PATH",
        default_text="none",
        description="Folders with the registry entries of your own models, one TOML file each.",
    )


settings = EmbeddingSettings.read
