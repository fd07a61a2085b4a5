"""Where requests go: the address, its key, and texts from there made fit to be shown."""

import ipaddress
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase
from urllib.parse import SplitResult, quote, urlsplit

from judgekit.errors import UsageError

OPENAI = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
SHOWN_CHARS = 300
READ_CHARS = 100_000  # of a text of which a line is shown
# Shorter "keys", such as "EMPTY" for a local server, are ordinary words that an answer may well hold.
SECRET_CHARS = 16
RUN_CHARS = 12  # so much of a key is as good as the key
REDACTED = "[key]"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that speaks OpenAI's chat completions.

    Attributes
    ----------
    base_url : str
        Without the trailing slash.
    host : str
        ``host`` or ``host:port``.
    key : str
        Empty for none.
    """

    base_url: str
    host: str
    key: str = field(default="", repr=False)

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI's own host."""
        return is_openai(self.base_url)

    def shown(self, text: str, limit: int = SHOWN_CHARS) -> str:
        """Make a text of the server fit to be shown: no key, no control characters, one short line."""
        text = text[:READ_CHARS]
        if self.key:
            for spelling in {self.key, quote(self.key, safe="")}:
                text = _redacted(text, spelling)
        # Twice the limit leaves enough after the white space goes, and bounds the work on a huge text.
        line = " ".join(text[: 2 * limit].split())
        if not (line.isascii() and line.isprintable()):
            line = "".join(map(_visible, line))
        return line if len(line) <= limit and len(text) <= 2 * limit else line[:limit] + "…"

    def without_key(self, text: str) -> str:
        """Take the key out of an answer, should a server echo it there."""
        return _redacted(text, self.key) if len(self.key) >= SECRET_CHARS else text


def _redacted(text: str, secret: str) -> str:
    """Take a secret out: in any case, written with JSON's escapes or not, whole or a run of it."""
    if "\\" not in text or "\\" in secret:
        text = _cut(text, list(_runs(_lower(text), secret)))
    # In most texts no secret shows once escapes are read, and places need not be told.
    if "\\" not in text or next(_runs(_lower(_ESCAPE.sub(_unescaped, text)), secret), None) is None:
        return text
    plain: list[str] = []
    places: list[int] = []
    at = 0
    for escape in _ESCAPE.finditer(text):
        plain += [*text[at : escape.start()], _unescaped(escape)]
        places += range(at, escape.start() + 1)
        at = escape.end()
    plain += text[at:]
    places += range(at, len(text) + 1)
    spans = [(places[start], places[end]) for start, end in _runs(_lower("".join(plain)), secret)]
    return _cut(text, spans)


# A backslash escaped is read too, so that pairs stay pairs; no escape may be cut in two.
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([/\"\\bfnrt]))")
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return "\n" if escape[2] in "bfnrt" else escape[2]


def _lower(text: str) -> str:
    # ASCII alone: places must stay where they are.
    return text.translate(_LOWER)


def _runs(text: str, secret: str) -> Iterator[tuple[int, int]]:
    """Give where a lower-case text holds the secret, or a run of it long enough to be one."""
    secret = _lower(secret)
    least = min(RUN_CHARS, len(secret))
    # Every run of `least` characters holds one of these blocks whole.
    size = (least + 1) // 2
    for offset in range(0, len(secret) - size + 1, size):
        place = text.find(secret[offset : offset + size])
        while place >= 0:
            start, first = place, offset
            while start and first and text[start - 1] == secret[first - 1]:
                start, first = start - 1, first - 1
            end, last = place + size, offset + size
            while end < len(text) and last < len(secret) and text[end] == secret[last]:
                end, last = end + 1, last + 1
            if end - start >= least:
                yield start, end
            place = text.find(secret[offset : offset + size], place + 1)


def _cut(text: str, spans: list[tuple[int, int]]) -> str:
    """Replace each span; those that overlap or touch are one."""
    pieces: list[str] = []
    at = -1
    for start, end in sorted(spans):
        if start > at:
            pieces += [text[max(at, 0) : start], REDACTED]
        at = max(at, end)
    return "".join(pieces) + text[max(at, 0) :]


def _visible(char: str) -> str:
    # Controls, bidi and zero-width marks, private use, lone surrogates, line and paragraph separators.
    hidden = unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
    return char.encode("unicode_escape").decode("ascii") if hidden else char


def open_endpoint(base_url: str | None = None, api_key_env: str | None = None) -> Endpoint:
    """Check an address and find its key in the environment.

    Parameters
    ----------
    base_url : str or None
        None is OpenAI's own host.
    api_key_env : str or None
        The variable that holds the key. Without it, OpenAI's host gets ``OPENAI_API_KEY``, others nothing.

    Raises
    ------
    UsageError
        If the address is no plain http(s) address, or the key is missing. Neither is echoed.
    """
    base_url = (OPENAI if base_url is None else base_url).strip().rstrip("/")
    host = host_of(base_url)
    name = api_key_env or (OPENAI_KEY if is_openai(base_url) else None)
    return Endpoint(base_url, host, key_in(name, host) if name else "")


def host_of(base_url: str | None) -> str:
    """Name the host that data would go to, as ``host`` or ``host:port``.

    Examples
    --------
    >>> host_of("http://localhost:8000/v1"), host_of(None)
    ('localhost:8000', 'api.openai.com')
    """
    parts = _split(OPENAI if base_url is None else base_url)
    return parts.netloc.lower()


def is_local(base_url: str | None) -> bool:
    """Tell whether an address is this machine: ``localhost`` or a loopback address, nothing else.

    Other names are not looked up: what a name server says today may be another machine tomorrow.

    Examples
    --------
    >>> is_local("http://127.0.0.1:11434/v1"), is_local("http://localhost.example.com/v1")
    (True, False)
    """
    try:
        name = _split(OPENAI if base_url is None else base_url).hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except (ValueError, UsageError):
        return False


def is_openai(base_url: str) -> bool:
    """Tell whether an address is OpenAI's own host, over TLS."""
    parts = _split(base_url)
    return parts.scheme == "https" and parts.netloc.lower() in ("api.openai.com", "api.openai.com:443")


def _split(base_url: str) -> SplitResult:
    # No message quotes the address: what is wrong with it may be the key inside it.
    if not base_url.isprintable() or " " in base_url or "\\" in base_url:
        raise UsageError("the base URL holds spaces, backslashes or control characters")
    try:
        parts = urlsplit(base_url)
        _ = parts.port
    except ValueError:
        raise UsageError(
            "the base URL is not a valid address; write it like http://localhost:8000/v1"
        ) from None
    if "@" in parts.netloc:
        raise UsageError(
            "the base URL holds a user name or password: remove it, put the key into an environment variable "
            "and name that variable with --api-key-env"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("the base URL must begin with http:// or https:// and a host")
    if not _is_host(parts.hostname):
        raise UsageError("the base URL's host is no valid name: a part between its dots is empty or too long")
    if parts.query or parts.fragment:
        raise UsageError("the base URL may hold neither ? nor #; it ends with a path such as /v1")
    return parts


def _is_host(name: str) -> bool:
    try:
        return all(0 < len(part) < 64 for part in name.encode("idna").removesuffix(b".").split(b"."))
    except UnicodeError:
        return ":" in name


def key_in(name: str, host: str) -> str:
    """Give the key that a variable of the environment holds.

    Raises
    ------
    UsageError
        If there is none, or no key looks like it.
    """
    # A key pasted in place of its variable's name must not be echoed; names are upper case by custom.
    shown = name if re.fullmatch(r"[A-Z][A-Z0-9_]*", name) else "the variable named as the key's"
    key = os.environ.get(name, "").strip()
    if not key:
        raise UsageError(f"no key for {host}: {shown} is not set in the environment; set it to your key")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(
            f"the key for {host} ({shown}) holds characters that no key has, such as a line break"
        )
    return key
