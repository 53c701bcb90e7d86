"""Where things are: read from the environment, with defaults that need no set-up.

| variable        | meaning                                             | default          |
|-----------------|-----------------------------------------------------|------------------|
| `DATABASE_URL`  | any libpq address; unset: the embedded PostgreSQL   |                  |
| `VAR_DIR`       | everything that the project writes                  | `var/`           |
| `MEDIA_ROOT`    | product pictures                                    | `VAR_DIR/media`  |
| `MODELS`        | the models to embed with and to search, best first  | fashion,imagenet |
| `SEARCH_WINDOW` | products that one search ranks                      | 240              |
| `QUERY_LOG`     | searched words that are remembered; 0: none         | 50000            |
| `SEARCH_MINIMUM`| the least match of a hit, 0 to 1                    | by the query     |
| `FETCH_ALLOW`   | private hosts or networks to fetch pictures from    | none             |
"""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


class ConfigError(ValueError):
    """A setting in the environment cannot be used; the message names it."""


def split_list(text: str) -> list[str]:
    """The entries of a setting that lists them by commas, with or without blanks."""
    return [entry for part in text.split(",") if (entry := part.strip())]


def var_dir() -> Path:
    return Path(os.environ.get("VAR_DIR") or PROJECT / "var").resolve()


def media_root() -> Path:
    return Path(os.environ.get("MEDIA_ROOT") or var_dir() / "media").resolve()


def database_url() -> str | None:
    """The shop's own database, or None for the embedded one."""
    return os.environ.get("DATABASE_URL") or None


def enabled_models() -> tuple[str, ...]:
    """Names of the models in use, the default first."""
    return tuple(dict.fromkeys(split_list(os.environ.get("MODELS") or "fashion,imagenet")))


def search_window() -> int:
    """Products that one search ranks, at least one page."""
    value = os.environ.get("SEARCH_WINDOW") or "240"
    if not value.isdecimal() or not 1 <= int(value) <= 1000:
        raise ConfigError(f"SEARCH_WINDOW must be a number from 1 to 1000, not {value!r}")
    return int(value)


def search_minimum() -> float | None:
    """The least match of a hit, from 0 to 1, whatever the query; None: `fusion.MINIMUMS`."""
    value = os.environ.get("SEARCH_MINIMUM")
    if not value:
        return None
    try:
        minimum = float(value)
    except ValueError:
        minimum = -1.0
    if not 0 <= minimum <= 1:
        raise ConfigError(f"SEARCH_MINIMUM must be a number from 0 to 1, not {value!r}")
    return minimum


def query_log() -> int:
    """How many different words that shoppers looked for are remembered; 0 switches it off."""
    value = os.environ.get("QUERY_LOG") or "50000"
    if not value.isdecimal():
        raise ConfigError(f"QUERY_LOG must be a number from 0, not {value!r}")
    return int(value)


def fetch_allowed() -> tuple[frozenset[str], tuple[IPv4Network | IPv6Network, ...]]:
    """Hosts, in small letters, and networks that may be fetched from although they are private."""
    hosts, networks = set(), []
    for entry in split_list((os.environ.get("FETCH_ALLOW") or "").lower()):
        try:
            networks.append(ip_network(entry, strict=False))
        except ValueError as error:
            if not re.fullmatch(r"(?=.*[a-z])[a-z0-9_-]+(\.[a-z0-9_-]+)*", entry):
                message = (
                    f"FETCH_ALLOW must list hosts and networks like 10.1.0.0/16, not {entry!r}"
                )
                raise ConfigError(message) from error
            hosts.add(entry)
    return frozenset(hosts), tuple(networks)
