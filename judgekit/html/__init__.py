"""Shared pieces of pages: how foreign text is shown, the page's shell and style, its security policy."""

import re
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

# A page made of this loads nothing, runs nothing and sends nothing.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-src 'none'"
)

# What has no shape of its own: controls, invisible characters, tags, and marks that reorder a line. The
# direction marks of right-to-left scripts (U+200E, U+200F) are honest text and each text stands by itself.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def shown(text: str) -> "Markup":
    """Write text into a page: markup escaped, and characters that nobody could see given by their number."""
    from markupsafe import Markup, escape

    text = text.replace("\r\n", "\n")
    parts, place = [], 0
    for match in _UNSEEN.finditer(text):
        parts += [
            escape(text[place : match.start()]),
            Markup('<span class="unseen">{}</span>').format(_point(match)),
        ]
        place = match.end()
    return Markup("").join([*parts, escape(text[place:])])


def plain(text: str) -> "Markup":
    """Write text where no tag may stand: a page's title, a picture."""
    from markupsafe import escape

    return escape(_UNSEEN.sub(lambda match: f"[{_point(match)}]", text))


def foreign(text: str) -> "Markup":
    """Write a short text from outside so that its direction does not reorder what stands around it."""
    from markupsafe import Markup

    return Markup("<bdi>{}</bdi>").format(shown(text))


def sentence(text: str) -> str:
    """Keep a number together with its sign or unit at the end of a line."""
    return re.sub(r"(?<=\d) (?=[%×])|(?<=n) (?==)|(?<=[=×κα]) ", "\u00a0", text)


def _point(match: re.Match[str]) -> str:
    return f"U+{ord(match[0]):04X}"


@cache
def environment(package: str) -> "Environment":
    """Give the templates of a package, with those of this one; what they print is text unless marked markup.

    Parameters
    ----------
    package : str
        Import name of a package with a folder ``templates``.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    from judgekit.html.markdown import as_markup

    found = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("judgekit.html")]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(plain=plain, foreign=foreign, document=as_markup, sentence=sentence)
    found.globals["policy"] = POLICY
    return found


def _finalize(value: Any) -> Any:
    # Markup is a str too, and knows itself to be safe.
    return shown(value) if type(value) is str else value
