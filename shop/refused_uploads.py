"""Why an upload was refused, as a parameter of the address that follows it.

So the address of the page that says it can be reloaded and shared, without a session. The text is
signed: nobody can make the shop say anything else.
"""

from collections.abc import Mapping

from django.core import signing

PARAMETER = "refused"
SALT = "shop.refused_uploads"


def with_refusal(url: str, reason: str) -> str:
    """An address of the shop, with the reason to show there."""
    text = signing.Signer(salt=SALT).sign_object(reason, compress=True)
    return f"{url}{'&' if '?' in url else '?'}{PARAMETER}={text}"


def refusal(parameters: Mapping[str, str]) -> list[str]:
    """The reason that an address contains; an empty list if there is none, or a forged one."""
    try:
        return [str(signing.Signer(salt=SALT).unsign_object(parameters[PARAMETER]))]
    except (KeyError, signing.BadSignature, ValueError):
        return []
