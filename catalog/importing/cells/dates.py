"""Parses dates as programs and people write them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from catalog.text import fold

TIME = (
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"\s*(?P<half>[AP])?\.?(?:M\.?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
NUMBERS = re.compile(
    rf"(?P<a>\d{{1,4}})\s*(?P<mark>[./-])\s*(?P<b>\d{{1,2}})\s*(?P=mark)\s*(?P<c>\d{{4}}|\d{{1,2}})"
    rf"\.?{TIME}",
    re.ASCII | re.IGNORECASE,
)
"""Matches 31.12.2025, 12/31/25, 2025/12/31, with a time such as 2:05 PM."""

NAMED = re.compile(
    r"(?:[^\W\d]+,?\s+)?(?:(?P<day>\d{1,2})[.\s-]*(?P<month>[^\W\d]{3,})|"
    r"(?P<name>[^\W\d]{3,})\.?\s*(?P<number>\d{1,2})(?:st|nd|rd|th)?)"
    rf"[.,\s-]*(?P<year>\d{{4}}|\d{{2}}){TIME}",
    re.IGNORECASE,
)
"""Matches 31 Dec 2025, 31-Dec-25, December 31, 2025, Wed, 31 Dec 2025."""

MONTHS = (
    *("jan ene gen sty", "feb fev lut", "mar mae maa mrz mrt", "apr avr abr kwi"),
    *("may mai mag mei maj", "jun juin giu cze", "jul juil lug lip", "aug aou ago sie"),
    *("sep set wrz", "oct okt ott out paz", "nov lis", "dec dez dic gru"),
)
"""How the names of the months begin, in eight languages, without accents."""


@dataclass(slots=True)
class DateOrder:
    """Whether dates such as 1/2/2025 in a file begin with the day, as far as its dates tell.

    Args:
        month_first: what they mean if no date tells; None if it is not known.
    """

    month_first: bool | None = None
    begin_with_day: int = 0
    begin_with_month: int = 0

    def look_at(self, text: str) -> None:
        """Take up what a date tells: 31/12/2025 begins with the day."""
        found = NUMBERS.fullmatch(text.strip())
        if found and found["mark"] != "." and len(found["a"]) <= 2:
            self.begin_with_day += int(found["a"]) > 12
            self.begin_with_month += int(found["b"]) > 12

    @property
    def choices(self) -> tuple[bool, ...]:
        """Whether the day comes first: both, if it is not known."""
        if bool(self.begin_with_day) != bool(self.begin_with_month):
            return (bool(self.begin_with_day),)
        if self.month_first is not None and not self.begin_with_day:
            return (not self.month_first,)
        return (True, False)


def parse_dates(text: str, order: DateOrder, *, is_end: bool = False) -> list[datetime]:
    """The moments that a text may mean: one, or two if the day and the month are not known apart.

    They are in UTC if the text names no zone. An end without a time is the end of its day.

    Raises:
        ValueError: it is not a date.
    """
    text = " ".join(text.split())
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        found = NUMBERS.fullmatch(text) or NAMED.fullmatch(text)
        if not found:
            raise
        moments = [_with_time(day, found) for day in _days(found, order)]
        has_time = found["hour"] is not None
    else:
        moments, has_time = [moment], len(text) > len("2025-12-31")
    if is_end and not has_time:
        moments = [moment.replace(hour=23, minute=59, second=59) for moment in moments]
    return [it if it.tzinfo else it.replace(tzinfo=UTC) for it in moments]


def _days(found: re.Match[str], order: DateOrder) -> list[datetime]:
    """The days that a match may mean."""
    if "year" in found.re.groupindex:
        name = fold(found["month"] or found["name"])
        month = next(
            (
                number
                for number, starts in enumerate(MONTHS, 1)
                if name.startswith(tuple(starts.split()))
            ),
            0,
        )
        return [datetime(_year(found["year"]), month, int(found["day"] or found["number"]))]
    a, b, c = (int(found[name]) for name in "abc")
    if len(found["a"]) > 2:
        return [datetime(a, b, c)]
    year = _year(found["c"])
    if found["mark"] == "." or a > 12:
        return [datetime(year, b, a)]
    if b > 12:
        return [datetime(year, a, b)]
    pairs = dict.fromkeys((b, a) if day_first else (a, b) for day_first in order.choices)
    return [datetime(year, month, day) for month, day in pairs]


def _year(digits: str) -> int:
    return int(digits) + (2000 if len(digits) < 4 else 0)


def _with_time(day: datetime, found: re.Match[str]) -> datetime:
    if found["hour"] is None:
        return day
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].upper() == "P" else 0)
    moment = day.replace(hour=hour, minute=int(found["minute"]), second=int(found["second"] or 0))
    zone = found["zone"] or ""
    if zone[:1] in ("+", "-"):
        minutes = 60 * int(zone[1:3]) + int(zone[-2:])
        offset = timedelta(minutes=minutes if zone[0] == "+" else -minutes)
        return moment.replace(tzinfo=timezone(offset))
    return moment
