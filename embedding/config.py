"""Settings from environment variables: the base class, and the settings of the models.

The classes `EmbeddingSettings`, `catalog.config.CatalogSettings` and those in `shop.config`
are the only places where settings are declared. `docs/settings.md` is generated from them.
"""

import os
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from embedding.errors import UserFacingError


class ConfigError(UserFacingError, ValueError):
    """An environment variable has an invalid value; the message names the variable."""


class Settings(BaseSettings):
    """A group of settings. Each field is read from the variable with its name in upper case.

    If the variable is unset or empty, the default is used. Fields are declared with `setting`.
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
        """The current settings. They are parsed again only if a variable has changed.

        Raises:
            ConfigError: a variable of the group has an invalid value.
        """
        settings: Self = _parse(cls, tuple(map(os.environ.get, _variables(cls))))
        return settings


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
        default: the value if the variable is not set.
        allowed: the valid values. The error message says "NAME must be {allowed}".
        description: the purpose of the setting, as a sentence.
        default_text: the default as shown in the documentation, if it is not a plain value.
        more: further arguments of pydantic's `Field`. A former name that is still read if the
            current one is not set is a second choice of `validation_alias`.
    """
    if "default_factory" not in more:
        more["default"] = default
    extra: dict[str, Any] = {"allowed": allowed, "default": default_text}
    return Field(description=description, json_schema_extra=extra, **more)


def about(field: FieldInfo) -> Mapping[str, Any]:
    """The arguments of `setting` for the documentation: `allowed` and `default`."""
    assert isinstance(field.json_schema_extra, dict)
    return field.json_schema_extra


def names(field: FieldInfo) -> list[str]:
    """The environment variables that a field is read from, the current name first."""
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
        current_name = error.errors()[0]["loc"][0]  # even if the former name was read
        field = next(it for it in group.model_fields.values() if names(it)[0] == current_name)
        variable = next(filter(os.environ.get, names(field)))
        message = f"{variable} must be {about(field)['allowed']}, not {os.environ[variable]!r}"
        raise ConfigError(message) from error


def split_list(text: str) -> list[str]:
    """The non-empty entries of a comma-separated setting, without surrounding white space."""
    return [entry for part in text.split(",") if (entry := part.strip())]


def _folders(text: str) -> tuple[Path, ...]:
    return tuple(map(Path, filter(None, text.split(os.pathsep))))


def _encoder_urls(text: str) -> str:
    return ",".join(_encoder_url(part.strip()) for part in text.split(","))


def _encoder_url(text: str) -> str:
    url = urlsplit(text)
    is_socket = url.scheme == "unix" and url.path.startswith("/") and not url.netloc
    is_http = url.scheme in ("http", "https") and url.hostname and url.path in ("", "/")
    if not (is_socket or is_http) or url.query or url.fragment or url.username:
        raise ValueError("not the address of an encoder server")
    return text.rstrip("/")


class EmbeddingSettings(Settings):
    """The settings of the models."""

    title = "Models"

    embedding_device: str | None = setting(
        allowed="a device as torch names it",
        default_text="`cuda` where there is one, otherwise `cpu`",
        description="Where models run: `cpu`, `cuda` or `cuda:N`.",
    )
    embedding_registry: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_folders)] = setting(
        (),
        allowed="folders, separated as in PATH",
        default_text="`VAR_DIR/registry`",
        description="Folders with the registry entries of your own models, one TOML file each.",
    )
    embedding_checkpoints: Path | None = setting(
        allowed="a folder",
        default_text="`VAR_DIR/checkpoints`",
        description="The folder of checkpoints that are used in place of a download, such as"
        " `sentence-transformers/clip-ViT-B-32` in it; see [models](models.md#without-a-network).",
    )
    embedding_precision: Literal["auto", "single"] = setting(
        "auto",
        allowed="auto or single",
        description="`single` computes in single precision where `auto` uses a faster half"
        " precision, on GPUs and on CPUs with bfloat16. Vectors of both can be compared: their"
        " cosine is above .999.",
    )
    encoder_url: Annotated[str, AfterValidator(_encoder_urls)] = setting(
        "",
        allowed="unix:/PATH, http://HOST:PORT or https://HOST, or several with commas between",
        default_text="each process loads its own models",
        description="The encoder server that the shop, the worker and the commands ask for"
        " vectors, or several, which are asked in turn; see"
        " [operations](operations.md#an-encoder-server).",
    )
    encoder_fallback: Literal["none", "local"] = setting(
        "none",
        allowed="none or local",
        description="What happens while the encoder server cannot be reached: with `none`, pages"
        " search the words alone, and commands wait for a minute; with `local`, the process loads"
        " the model itself.",
    )


def own_registry() -> Path:
    """The folder of your own entries where `EMBEDDING_REGISTRY` is not set. It need not exist."""
    return _var_dir() / "registry"


def checkpoints_folder() -> Path:
    """The folder of checkpoints that are used in place of a download. It need not exist."""
    return settings().embedding_checkpoints or _var_dir() / "checkpoints"


def _var_dir() -> Path:
    return _resolved(os.environ.get("VAR_DIR") or str(Path(__file__).parent.parent / "var"))


@lru_cache(maxsize=16)  # every search asks several times
def _resolved(folder: str) -> Path:
    return Path(folder).resolve()


settings = EmbeddingSettings.read
