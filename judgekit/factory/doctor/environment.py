"""What is installed and set on this machine, as far as a judge needs it; nothing is sent."""

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from judgekit.errors import InputError
from judgekit.factory.doctor.key import set_variables
from judgekit.factory.doctor.lines import BAD, NOTE, Line, table
from judgekit.files.project import PROJECT, read_project
from judgekit.providers.endpoint import OPENAI_KEY
from judgekit.providers.hosts import PROVIDERS
from judgekit.providers.prices import price_of

PRICED = "openai/gpt-4o-mini"  # in every edition of the table
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
EXAMPLES = {OPENAI_KEY: "openai/gpt-4.1-mini", "ANTHROPIC_API_KEY": "anthropic/claude-sonnet-4-5"}


@dataclass(frozen=True)
class Environment:
    """What was found.

    Attributes
    ----------
    lines : tuple of Line
    versions : dict of str to str
        By package; empty where it is not installed.
    keys : tuple of str
        Variables that hold a key.
    judges : tuple of str
        Names in the project file.
    """

    lines: tuple[Line, ...]
    versions: dict[str, str]
    keys: tuple[str, ...]
    judges: tuple[str, ...]

    def __str__(self) -> str:
        return table(self.lines)

    @property
    def example(self) -> str:
        """The arguments of a trial that makes sense next."""
        if self.judges:
            return f"--judge {self.judges[0]}"
        known = next((EXAMPLES[name] for name in self.keys if name in EXAMPLES), None)
        return known or "MODEL --base-url http://localhost:11434/v1"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "lines": [line.to_dict() for line in self.lines],
            "versions": self.versions,
            "keys": list(self.keys),
            "judges": list(self.judges),
        }


def look_around(project: str | Path = PROJECT) -> Environment:
    """Look at versions, keys, the project file and the table of prices."""
    packages = {"judgekit": "judgekit-calibrated", "litellm": "litellm", "instructor": "instructor"}
    versions = {name: _version(package) for name, package in packages.items()}
    names = dict.fromkeys([OPENAI_KEY, *(key for one in PROVIDERS.values() for key in one.keys)])
    keys = set_variables(tuple(names))
    judges, said = _judges(Path(project))
    lines = [*_versions(versions), _keys(keys), said, _prices(), *_proxies()]
    return Environment(tuple(lines), versions | {"python": platform.python_version()}, tuple(keys), judges)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _versions(versions: dict[str, str]) -> Iterator[Line]:
    yield Line("judgekit", versions["judgekit"] or "not installed as a package")
    yield Line("python", f"{platform.python_version()}, {platform.system()} {platform.machine()}")
    litellm = versions["litellm"]
    if not litellm:
        yield Line("litellm", "not installed", "only openai/NAME and --base-url work", BAD)
    elif litellm.startswith("1.106."):
        yield Line("litellm", litellm, "its tool calls are broken; install another version", BAD)
    else:
        yield Line("litellm", litellm)
    if found := versions["instructor"]:
        yield Line("instructor", found)
    else:
        yield Line("instructor", "not installed", "install judgekit-calibrated again", BAD)


def _keys(keys: list[str]) -> Line:
    if keys:
        return Line("keys", ", ".join(keys), "set; whether they work, `judgekit doctor MODEL` tells")
    meaning = "set one, such as OPENAI_API_KEY, or use a model on this machine with --base-url"
    return Line("keys", "no provider's key is set", meaning, NOTE)


def _judges(path: Path) -> tuple[tuple[str, ...], Line]:
    if not path.exists():
        return (), Line(PROJECT, "none in this folder", "you only need it to give judges names of your own")
    try:
        judges = tuple(read_project(path).judges)
    except InputError as error:
        return (), Line(PROJECT, "cannot be used", str(error).replace("\n", "; "), BAD)
    return judges, Line(PROJECT, f"names {', '.join(judges)}")


def _prices() -> Line:
    if price_of(PRICED) is not None:
        return Line("prices", "litellm's table is there", "as old as its version; --price overrides it")
    return Line("prices", "no table", "costs are unknown without --price", NOTE)


def _proxies() -> Iterator[Line]:
    if found := set_variables(PROXIES):
        said = f"{', '.join(found)} set"
        yield Line("proxy", said, "judgekit connects directly and uses no proxy", NOTE)
    path = os.environ.get("SSL_CERT_FILE", "")
    if path and not Path(path).is_file():
        yield Line("certificates", "SSL_CERT_FILE names no file", "no certificate will be trusted", BAD)
