"""The models that an OpenAI-compatible server offers, where it says so: asked only to explain a failure."""

import json
from typing import Any

from judgekit.providers.endpoint import Endpoint

MAX_BODY = 4 * 2**20
MAX_NAMES = 5000
SECONDS = 10.0


async def listed_models(endpoint: Endpoint, path: str = "/models", seconds: float = SECONDS) -> list[str]:
    """Ask a server for the names of its models.

    Parameters
    ----------
    endpoint : Endpoint
    path : str
        Below the base URL.
    seconds : float
        That the answer may take.

    Returns
    -------
    list of str
        Fit to be shown, in the server's order; empty if it does not list them in OpenAI's way.
    """
    import aiohttp

    headers = {"Accept-Encoding": "identity"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    # As for every call: no proxies, no .netrc, no cookies, no redirects.
    session = aiohttp.ClientSession(
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )
    try:
        async with session, session.get(endpoint.base_url + path, allow_redirects=False) as response:
            if response.status != 200:
                return []
            body = b""
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > MAX_BODY:
                    return []
        return _names(json.loads(body), endpoint)
    except (aiohttp.ClientError, OSError, ValueError, RecursionError):  # a time-out is an OSError
        return []


def _names(found: Any, endpoint: Endpoint) -> list[str]:
    listed = found.get("data") if isinstance(found, dict) else None
    entries = listed[:MAX_NAMES] if isinstance(listed, list) else []
    names = [one.get("id") for one in entries if isinstance(one, dict)]
    return [endpoint.shown(name, 100) for name in names if isinstance(name, str) and name]
