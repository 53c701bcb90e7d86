"""The storefront's settings, which `shop.settings` passes to Django."""

from ipaddress import ip_address
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from embedding.config import Settings, setting, split_list

SWITCH = "1 or 0"


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
    compare_open: bool = setting(
        False,
        allowed=SWITCH,
        default_text="`0`",
        description="1 lets everybody open `/compare/` and judge there, not only staff.",
    )
    tz: Annotated[str, AfterValidator(_time_zone)] = setting(
        "UTC",
        allowed="a time zone such as Europe/Berlin",
        description="The time zone in which pages show times.",
    )


settings = ShopSettings.read
