"""Parses cells with a currency: its code, its sign or its name."""

from typing import Any

from catalog.importing.cells.texts import parse_value, shorten

CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP
GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW
KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES
VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(CODES.split())
"""The codes of ISO 4217."""

SYMBOLS = {
    "€": ("EUR",),
    "£": ("GBP", "EGP", "GIP", "FKP", "SHP", "SYP", "LBP"),
    "$": (
        *("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "TWD", "BBD"),
        *("BMD", "BND", "BSD", "BZD", "FJD", "GYD", "JMD", "KYD", "LRD", "NAD", "SBD", "SRD"),
        *("TTD", "UYU", "XCD"),
    ),
    **{"US$": ("USD",), "CA$": ("CAD",), "C$": ("CAD",), "A$": ("AUD",), "AU$": ("AUD",)},
    **{"NZ$": ("NZD",), "HK$": ("HKD",), "S$": ("SGD",), "NT$": ("TWD",), "MX$": ("MXN",)},
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
    **dict.fromkeys(("Rs", "Rs."), ("INR", "PKR", "LKR", "NPR", "MUR")),
    "RM": ("MYR",),
    "zł": ("PLN",),
    "Kč": ("CZK",),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "kr.": ("DKK", "NOK", "SEK", "ISK"),
    "Ft": ("HUF",),
    "R$": ("BRL",),
    **dict.fromkeys(("₺", "TL"), ("TRY",)),
    **dict.fromkeys(("Fr", "Fr.", "SFr."), ("CHF",)),
    "円": ("JPY",),
    "₽": ("RUB",),
    "₴": ("UAH",),
    "₩": ("KRW",),
    "₫": ("VND",),
    "₪": ("ILS",),
    "฿": ("THB",),
}
"""The currencies that a sign may stand for. Without other evidence, it is the first."""

NO_CENTS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
WITHOUT_CENTS = frozenset(NO_CENTS.split())
"""Currencies that have no smaller unit (ISO 4217)."""

NAMES = {"euro": "EUR", "euros": "EUR", "us dollar": "USD", "us dollars": "USD"}


def parse_currency(value: Any) -> tuple[str, str]:
    """The code of a currency, and a warning if it is unknown; both may be "". Signs that stand for
    one currency become its code.

    Raises:
        FieldError: see `parse_text`.
    """
    if isinstance(value, str):
        value = NAMES.get(value.strip().lower(), value)
    text = parse_value("currency", value)
    if len(code := SYMBOLS.get(text, ())) == 1:
        return code[0], ""
    upper = text.upper()
    if not text or text in SYMBOLS or upper in CURRENCIES:
        return text if text in SYMBOLS else upper, ""
    return text, f"currency {shorten(text)} is no code of ISO 4217, such as EUR"
