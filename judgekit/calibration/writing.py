"""Which writing system and which language a text is in."""

import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Any

SHOWN = 1_000  # characters that decide
UNSURE, NO_LANGUAGE = "und", "zxx"  # ISO 639: undetermined; code, numbers and the like
SURE = 0.3
# Scripts whose letters are written together; a Japanese text is known by its kana, however few.
_TOGETHER = {"HIRAGANA": "Japanese", "KATAKANA": "Japanese", "CJK": "Chinese characters"}
_VARIANTS = {"FULLWIDTH", "HALFWIDTH", "MATHEMATICAL", "MODIFIER"}
# Only languages that many people write: a few words of Spanish are else as likely Aragonese or Galician.
_NAMES = dict(
    pair.split("=")
    for pair in (
        "af=Afrikaans am=Amharic ar=Arabic az=Azerbaijani be=Belarusian bg=Bulgarian bn=Bengali "
        "ca=Catalan cs=Czech cy=Welsh da=Danish de=German el=Greek en=English es=Spanish "
        "et=Estonian eu=Basque fa=Persian fi=Finnish fr=French ga=Irish gu=Gujarati he=Hebrew "
        "hi=Hindi hr=Croatian hu=Hungarian hy=Armenian id=Indonesian is=Icelandic it=Italian "
        "ja=Japanese ka=Georgian kk=Kazakh km=Khmer kn=Kannada ko=Korean lt=Lithuanian lv=Latvian "
        "mk=Macedonian ml=Malayalam mn=Mongolian mr=Marathi ms=Malay my=Burmese nb=Norwegian "
        "ne=Nepali nl=Dutch no=Norwegian pa=Punjabi pl=Polish pt=Portuguese ro=Romanian ru=Russian "
        "si=Sinhala sk=Slovak sl=Slovenian sq=Albanian sr=Serbian sv=Swedish sw=Swahili ta=Tamil "
        "te=Telugu th=Thai tl=Tagalog tr=Turkish uk=Ukrainian ur=Urdu uz=Uzbek vi=Vietnamese "
        "zh=Chinese"
    ).split()
)


def script_of(text: str) -> str:
    """Give the writing system of most letters at the beginning of a text; ``none`` without letters.

    Examples
    --------
    >>> script_of("Где мой заказ?"), script_of("注文はどこですか"), script_of("42 %")
    ('Cyrillic', 'Japanese', 'none')
    """
    counts = Counter(_letter_script(char) for char in text[:SHOWN] if char.isalpha())
    if counts["Japanese"] and counts["Japanese"] * 10 >= counts["Chinese characters"]:
        counts["Japanese"] += counts.pop("Chinese characters", 0)
    counts.pop("", None)
    return max(counts, key=lambda name: (counts[name], name)) if counts.total() else "none"


@cache
def _letter_script(char: str) -> str:
    """First word of a letter's Unicode name, which is its script."""
    first = unicodedata.name(char, "").split(" ")[0].split("-")[0]
    return "" if first in _VARIANTS else _TOGETHER.get(first, first.capitalize())


def language_name(code: str) -> str:
    """Name a language in English."""
    return {UNSURE: "no certain language", NO_LANGUAGE: "no language"}.get(code, _NAMES.get(code, code))


@cache
def language_detector() -> tuple[str, Callable[[str], str]] | None:
    """Give the name of what tells languages, and the function; None where it cannot be had.

    The function gives an ISO 639-1 code, ``und`` where it is not sure; its model takes half a second to load.
    """
    try:
        module: Any = import_module("py3langid.langid")
    except ImportError:
        return None
    try:
        identifier = module.LanguageIdentifier.from_model_file(
            module.MODEL_FILE, norm_probs=True, min_confidence=SURE
        )
    except OSError:  # it unpacks its model into a temporary file, for which a full disk has no room
        return None
    identifier.set_languages([code for code in identifier.labels if code in _NAMES or code == NO_LANGUAGE])

    def language(text: str) -> str:
        return str(identifier.classify(text[:SHOWN])[0])

    return f"py3langid {version('py3langid')}", language
