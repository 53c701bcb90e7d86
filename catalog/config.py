"""The catalogue's settings: where things are, and how searches behave."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator
from pydantic_settings import NoDecode

from embedding.config import Settings, setting, split_list
from embedding.registry import canonical_name

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class PrivateHosts:
    """Private addresses that pictures may be fetched from: `hosts` in lower case, `networks`."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()


def _models(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(canonical_name, split_list(text))))


def _languages(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(split_list(text.lower())))
    if not all(re.fullmatch(r"[a-z_]\w*(\.[a-z_]\w*)?", name) for name in names):
        raise ValueError(text)
    return names


def _private_hosts(text: str) -> PrivateHosts:
    hosts, networks = set(), []
    for entry in split_list(text.lower()):
        try:
            networks.append(ip_network(entry, strict=False))
        except ValueError:
            if not re.fullmatch(r"(?=.*[a-z])[a-z0-9_-]+(\.[a-z0-9_-]+)*", entry):
                raise
            hosts.add(entry)
    return PrivateHosts(frozenset(hosts), tuple(networks))


def _store(url: str) -> str:
    if url and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/[\w.-]+)*/?", url):
        raise ValueError(url)
    return url


Folder = Annotated[Path, AfterValidator(Path.resolve)]


class CatalogSettings(Settings):
    """What the catalogue reads."""

    title = "Catalogue and search"

    database_url: str | None = setting(
        allowed="a PostgreSQL address",
        default_text="an embedded PostgreSQL in `VAR_DIR`",
        repr=False,
        description="The database, as `postgresql://user:password@host/database` or any other"
        " address that libpq understands.",
    )
    database_replica_url: str | None = setting(
        allowed="a PostgreSQL address",
        default_text="none",
        repr=False,
        description="A streaming replica that pages and the API read from; see"
        " [read replicas](scaling.md#read-replicas).",
    )
    replica_max_lag: float = setting(
        10.0,
        allowed="a number of seconds, 2 or more",
        ge=2,
        allow_inf_nan=False,
        description="A replica that is further behind than this is not read.",
    )
    import_database_url: str | None = setting(
        allowed="an address of SQLAlchemy",
        default_text="none",
        repr=False,
        description="The database that `import_catalog --from-sql` reads, such as"
        " `mysql+pymysql://user:password@host/database`.",
    )
    embedded_port: int | None = setting(
        allowed="a TCP port from 1024 to 65535",
        default_text="none, only a Unix socket",
        ge=1024,
        le=65535,
        description="The port of 127.0.0.1 on which the embedded PostgreSQL listens, for other"
        " programs; see [operations](operations.md#the-embedded-postgresql).",
    )
    var_dir: Folder = setting(
        PROJECT / "var",
        allowed="a folder",
        default_text="`var/`",
        description="The folder for everything that the project writes.",
    )
    media_root: Folder = setting(
        default_factory=lambda known: known["var_dir"] / "media",
        allowed="a folder",
        default_text="`VAR_DIR/media`",
        description="The folder of product pictures.",
    )
    media_store: Annotated[str, AfterValidator(_store)] = setting(
        "",
        allowed="s3://BUCKET or s3://BUCKET/PREFIX",
        default_text="none: pictures are files in `MEDIA_ROOT` and `VAR_DIR`",
        description="An S3-like store for all pictures, so that hosts need no common disk; see"
        " [pictures in a store](operations.md#pictures-in-a-store).",
    )
    models: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_models)] = setting(
        ("fashion", "imagenet"),
        allowed="names of models, separated by commas",
        default_text="`fashion,imagenet`",
        min_length=1,
        description="The models that products are embedded with and searched by. The first is the"
        " default one until `set_default_model` chooses another.",
    )
    embed_regions: Literal["off", "best"] = setting(
        "off",
        allowed="off or best",
        description="`best` cuts products' pictures to the garment before they are embedded, where"
        " much else is in the picture; see [products' pictures](models.md#products-pictures). After"
        " a change, run `./manage.py embed_catalog`, which embeds all pictures again.",
    )
    search_languages: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_languages)] = setting(
        ("english",),
        allowed="names of text search configurations of PostgreSQL, separated by commas",
        default_text="`english`",
        min_length=1,
        description="The languages of the catalogue and its shoppers, for stems and stop words,"
        " such as `english,german`. After a change, run `./manage.py migrate`.",
    )
    search_window: int = setting(
        240,
        allowed="a whole number from 1 to 1000",
        ge=1,
        le=1000,
        description="How many products one search ranks, unless the admin sets it.",
    )
    search_min_match: float | None = setting(
        allowed="a number from 0 to 1",
        default_text="depends on the kind of query",
        ge=0,
        le=1,
        allow_inf_nan=False,
        validation_alias=AliasChoices("SEARCH_MIN_MATCH", "SEARCH_MINIMUM"),
        description="The lowest match of a product that a search shows.",
    )
    query_log: int = setting(
        50_000,
        allowed="a whole number, 0 or more",
        ge=0,
        description="How many different queries of shoppers are stored, the most frequent ones;"
        " 0 stores none.",
    )
    query_log_days: int = setting(
        400,
        allowed="a whole number, 1 or more",
        ge=1,
        description="How many days the queries of shoppers are stored.",
    )
    suggest_after: int = setting(
        5,
        allowed="a whole number, 0 or more",
        ge=0,
        description="How often a query must have been searched for before it is suggested to other"
        " shoppers; 0 suggests none. After a change, run `./manage.py migrate`.",
    )
    fetch_allow: Annotated[PrivateHosts, NoDecode, BeforeValidator(_private_hosts)] = setting(
        PrivateHosts(),
        allowed="hosts and networks such as 10.1.0.0/16, separated by commas",
        default_text="none",
        description="Private hosts and networks that pictures may be fetched from, and hosts with"
        " other ports than 80 and 443.",
    )


settings = CatalogSettings.read
