"""Numbers for people, in the admin."""

from django import template
from django.utils.translation import ngettext

register = template.Library()


@register.filter
def counted(number: float) -> str:
    """A number without decimals, with commas."""
    return f"{number:,.0f}"


@register.filter
def unlocalized(number: float) -> str:
    """A number for an attribute of HTML."""
    return f"{number:.4f}"


@register.filter
def duration(seconds: float) -> str:
    """About how long something takes."""
    minutes = max(1, round(seconds / 60))
    if minutes < 90:
        return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    hours = round(minutes / 60)
    return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
