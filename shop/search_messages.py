"""The messages of `catalog` and `embedding` in the language of the page.

These packages know no Django, so their messages are English sentences. Those that shoppers can see
are listed here; any other stays as it is.
"""

import re
from functools import cache

from django.utils.translation import gettext, gettext_noop

from shop.locale_formats import formatted

MESSAGES = (
    gettext_noop("there is no product with the SKU %(sku)s"),
    gettext_noop("the product %(sku)s is not embedded by the model %(model)s"),
    gettext_noop("no model is in use"),
    gettext_noop("no single model in use understands words"),
    gettext_noop("no single model in use understands pictures"),
    gettext_noop("no single model in use understands words and pictures"),
    gettext_noop("the model %(model)s does not understand words; choose %(choice)s"),
    gettext_noop("the model %(model)s does not understand pictures; choose %(choice)s"),
    gettext_noop("%(message)s; only products with these words are shown"),
    gettext_noop(
        "search by meaning is not available at the moment; only products with these words are shown"
    ),
    gettext_noop("a chosen model is not available at the moment, so %(models)s was used"),
    gettext_noop("the model %(model)s cannot read %(words)s"),
    gettext_noop("nothing matches “%(words)s”, so it was left out"),
    gettext_noop("the model %(model)s is not available at the moment: try again later"),
    gettext_noop("the database could not run this search"),
    # Pictures
    gettext_noop("choose a picture first"),
    gettext_noop("this picture cannot be used: %(message)s"),
    gettext_noop("the file is empty"),
    gettext_noop("the picture is damaged or incomplete"),
    gettext_noop("the picture takes too long to decode"),
    gettext_noop("the picture has more than %(number)s pixels"),
    gettext_noop("the picture has %(size)s pixels; at most %(number)s are accepted"),
    gettext_noop(
        "the picture has %(size)s pixels; at most %(number)s of a %(format)s are accepted"
    ),
    gettext_noop("the JPEG has more than %(number)s scans"),
    gettext_noop("the JPEG has more than %(number)s segments"),
    gettext_noop("a HEIC picture: save it as JPEG, or install the extra: pip install -e '.[heic]'"),
    gettext_noop("not a picture in a known format (%(formats)s)"),
    # Pictures at addresses
    gettext_noop("this shop fetches no pictures: save it, then choose the file"),
    gettext_noop("this is not the address of a picture: %(message)s"),
    gettext_noop(
        "this address cannot be reached from here: save the picture, then choose the file"
    ),
    gettext_noop("the picture cannot be fetched: %(message)s"),
    gettext_noop("another picture is being fetched: try again in some seconds"),
    gettext_noop("longer than %(number)s characters"),
    gettext_noop("contains a character that is not allowed in a web address"),
    gettext_noop("not a web address"),
    gettext_noop("neither http nor https"),
    gettext_noop("contains a user name or password"),
    gettext_noop("the name %(host)s cannot be resolved"),
    gettext_noop("no answer within %(seconds)s s"),
    gettext_noop("answered %(status)s"),
    gettext_noop("larger than %(size)s MB"),
    gettext_noop("redirected more than %(number)s times"),
    gettext_noop("the connection failed: %(reason)s"),
    gettext_noop("the certificate is not valid: %(reason)s"),
)

PLACEHOLDER = re.compile(r"%\\\((\w+)\\\)s")
GROUPED = re.compile(r"\d{1,3}(,\d{3})+")


def translated(message: str) -> str:
    """An English message in the active language."""
    for msgid, pattern in _patterns():
        if found := pattern.fullmatch(message):
            values = {name: _value(name, value) for name, value in found.groupdict().items()}
            return gettext(msgid) % values
    return message


def _value(name: str, text: str) -> str:
    if name == "message":
        return translated(text)
    return formatted(int(text.replace(",", ""))) if GROUPED.fullmatch(text) else text


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The messages with patterns for their values; the most particular ones first."""
    return tuple(
        (msgid, re.compile(PLACEHOLDER.sub(r"(?P<\1>.+)", re.escape(msgid)), re.DOTALL))
        for msgid in sorted(MESSAGES, key=lambda it: (it.count("%("), -len(it)))
    )
