"""The storefront's settings, which `shop.settings` passes to Django."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, DirectoryPath
from pydantic_settings import NoDecode

from embedding.config import Settings, setting, split_list

SWITCH = "1 or 0"
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?")


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, OSError) as error:
        raise ValueError(name) from error
    return name


def _proxy(address: str) -> str:
    if address != "*":
        ip_address(address)
    return address


def _address(text: str, *starts: str) -> str:
    if text and (not text.startswith(starts) or not text.isascii() or set(text) & set(" ;,\r\n")):
        raise ValueError(text)
    return text


def _contact(text: str) -> str:
    return _address(text, "https://", "mailto:")


def _report_uri(text: str) -> str:
    return _address(text, "https://", "/")


def _origins(text: object) -> list[str]:
    origins = split_list(text) if isinstance(text, str) else list(text)  # type: ignore[call-overload]
    for origin in origins:
        if origin != "*" and not ORIGIN.fullmatch(origin):
            raise ValueError(origin)
    return origins


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(entry, strict=False) for entry in split_list(text))


class ShopSettings(Settings):
    """The settings that only the storefront reads."""

    title = "Storefront"

    debug: bool = setting(
        False,
        allowed=SWITCH,
        default_text="`0`",
        description="1 for development: errors are shown in full. Never in production.",
    )
    secret_key: str | None = setting(
        allowed="a long random text",
        default_text="created once, in `VAR_DIR/secret_key`",
        repr=False,
        description="The key that signs sessions and forms.",
    )
    allowed_hosts: Annotated[list[str], NoDecode, BeforeValidator(split_list)] = setting(
        ["localhost", "127.0.0.1", "[::1]"],
        allowed="host names, separated by commas",
        default_text="`localhost,127.0.0.1,[::1]`",
        description="The host names under which the shop is reached.",
    )
    shop_name: str = setting("Atelier", allowed="a text", description="The name on every page.")
    templates_dir: DirectoryPath | None = setting(
        allowed="an existing folder",
        default_text="none",
        description="A folder with templates that replace or extend the shop's; see"
        " [your own parts](storefront.md#your-own-parts).",
    )
    search_cache_seconds: float = setting(
        5.0,
        allowed="a number of seconds from 0 to 60",
        ge=0,
        le=60,
        allow_inf_nan=False,
        description="How long the answer to a search is kept for equal ones; 0 keeps none. See"
        " [repeated searches](operations.md#repeated-searches).",
    )
    https: bool = setting(
        False,
        allowed=SWITCH,
        default_text="`0`",
        description="1 behind a proxy that terminates TLS.",
    )
    trusted_proxy: Annotated[str, AfterValidator(_proxy)] = setting(
        "127.0.0.1",
        allowed="an IP address, or * for any",
        description="The address of that proxy.",
    )
    hsts_seconds: int = setting(
        30 * 24 * 60 * 60,
        allowed="a whole number, 0 or more",
        ge=0,
        default_text="2592000 (30 days)",
        description="With HTTPS=1, how long browsers use only TLS with this shop.",
    )
    security_contact: Annotated[str, AfterValidator(_contact)] = setting(
        "",
        allowed="an address with https:// or mailto:",
        default_text="none",
        description="Whom to tell about a vulnerability, for `/.well-known/security.txt`.",
    )
    csp_report_uri: Annotated[str, AfterValidator(_report_uri)] = setting(
        "",
        allowed="an address with https://, or a path",
        default_text="none",
        description="Where browsers report violations of the Content-Security-Policy.",
    )
    admin_second_factor: bool = setting(
        False,
        allowed=SWITCH,
        default_text="`0`",
        description="1 asks staff for a code beside the password; set up each user first, with"
        " `manage.py second_factor NAME`.",
    )
    compare_open: bool = setting(
        False,
        allowed=SWITCH,
        default_text="`0`",
        description="1 lets everybody open `/compare/` and judge there, not only staff.",
    )
    find_garments: bool = setting(
        True,
        allowed=SWITCH,
        default_text="`1`",
        description="0 leaves uploaded pictures whole until a shopper chooses a part.",
    )
    fetch_addresses: bool = setting(
        True,
        allowed=SWITCH,
        default_text="`1`",
        description="0 fetches no pictures from addresses that shoppers give.",
    )
    api_anonymous: bool = setting(
        True,
        allowed=SWITCH,
        default_text="`1`",
        description="0 lets only programs with a token use the [API](api.md).",
    )
    api_cors_origins: Annotated[list[str], NoDecode, BeforeValidator(_origins)] = setting(
        [],
        allowed="origins such as https://app.example, separated by commas, or *",
        default_text="none",
        description="The other sites whose pages may call the API.",
    )
    log_format: Literal["text", "json"] = setting(
        "text",
        allowed="text or json",
        description="The format of log lines; json for programs that collect logs.",
    )
    metrics_token: str | None = setting(
        allowed="a long random text",
        default_text="none",
        repr=False,
        description="The bearer token with which `/metrics` may be read from anywhere.",
    )
    metrics_allowed: Annotated[
        tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)
    ] = setting(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        allowed="networks such as 10.1.0.0/16, separated by commas",
        default_text="`127.0.0.0/8,::1/128`, this machine",
        description="The networks from which `/metrics` may be read without a token, and not"
        " through a proxy.",
    )
    prometheus_multiproc_dir: DirectoryPath | None = setting(
        allowed="an existing folder",
        default_text="none; `serve` makes its own",
        description="A folder, empty at the start, in which all processes of another server than"
        " `serve` write their figures for `/metrics`; see"
        " [operations](operations.md#health-and-metrics).",
    )
    tz: Annotated[str, AfterValidator(_time_zone)] = setting(
        "UTC",
        allowed="a time zone such as Europe/Berlin",
        description="The time zone in which pages show times.",
    )


def _rate(default: int, what: str) -> Any:
    return setting(
        default,
        allowed="a whole number, 0 or more",
        ge=0,
        description=f"{what}; 0 means any number.",
    )


class RateSettings(Settings):
    """How many requests a client may send in a minute; `shop.rates` counts them."""

    title = "Rates"

    search_rate: int = _rate(
        300, "How many searches and pages of products a client may open in a minute"
    )
    picture_search_rate: int = _rate(
        60, "How many of these searches may have pictures, which take more time"
    )
    upload_rate: int = _rate(20, "How many pictures a client may send in a minute")
    fetch_rate: int = _rate(
        10, "How many pictures in a minute the shop fetches from addresses that a client gives"
    )
    suggestion_rate: int = _rate(
        600, "How often a client may get suggestions in a minute: once for each pause in typing"
    )
    api_rate: int = _rate(
        600,
        "How many requests a minute a token of the [API](api.md) may send, unless the token says"
        " otherwise",
    )
    api_anonymous_rate: int = _rate(
        120, "How many requests a minute a client of the API may send without a token"
    )
    rate_store: str = setting(
        "",
        allowed="an address such as redis://host:6379/0",
        default_text="none: each host counts in its memory",
        repr=False,
        description="Where all hosts count together; see [operations](operations.md#rates).",
    )


settings = ShopSettings.read
rate_settings = RateSettings.read
