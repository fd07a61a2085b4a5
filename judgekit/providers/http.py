"""Connections to one endpoint; imported with the first call, because aiohttp takes a while to load."""

import asyncio
import io
import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import aiohttp
import yarl

from judgekit.exchange import FREE
from judgekit.providers.endpoint import Endpoint
from judgekit.providers.retry import UNKNOWN_COST, Fault, Then

MAX_BODY = 16 * 2**20
# aiohttp warns about longer bodies in one piece.
WHOLE_BODY = 2**20
# Shorter than common servers' own limit (5 s), so that a call seldom meets a connection just closed.
IDLE_SECONDS = 4.0
EXIT_SECONDS = 0.5


class Answer(NamedTuple):
    """What came back: `headers` finds names in any case, `body` is whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Link:
    """The connections of one event loop.

    Attributes
    ----------
    places : asyncio.Semaphore
        One for each call under way. A call keeps its place through its pauses: a server in trouble gets
        fewer calls, and waiting for a place counts against no time limit.
    """

    def __init__(self, endpoint: Endpoint, max_connections: int) -> None:
        self.places = asyncio.Semaphore(max_connections)
        self._endpoint = endpoint
        self._host = endpoint.host
        self._url = yarl.URL(f"{endpoint.base_url}/chat/completions")
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if endpoint.key:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        # trust_env stays off: proxies and .netrc from the environment would send texts to a host that the run
        # did not name, or another password than the key asked for. No cookies either. The retry policy keeps
        # the one clock.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            trust_env=False,
        )
        weakref.finalize(self, _let_go, self._session, asyncio.get_running_loop())

    async def post(
        self, body: bytes, *, url: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request and read its whole answer.

        Parameters
        ----------
        body : bytes
        url : str or None
            Already encoded; None is the endpoint's chat completions.
        headers : mapping or None
            Besides those of every request, or in their place.

        Raises
        ------
        Fault
            If no whole HTTP answer of bearable size arrives, or it points elsewhere.
        """
        data = body if len(body) < WHOLE_BODY else io.BytesIO(body)
        to = self._url if url is None else yarl.URL(url, encoded=True)
        try:
            async with self._session.post(to, data=data, headers=headers, allow_redirects=False) as response:
                if 300 <= response.status < 400:
                    raise self._redirect(response.headers.get("Location", ""), response.status)
                return Answer(response.status, response.headers, await self._read(response))
        except (aiohttp.ClientError, ConnectionError) as error:
            # The error itself holds the request's headers and goes no further.
            raise self._lost(error) from None

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        pieces, size = [], 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > MAX_BODY:
                response.close()
                said = f"{self._host} sent an answer of more than {MAX_BODY // 2**20} MB"
                raise Fault("provider_error", said, usage=UNKNOWN_COST)
            pieces.append(piece)
        return b"".join(pieces)

    def _redirect(self, location: str, status: int) -> Fault:
        try:
            target = yarl.URL(location).host or self._host
        except ValueError:
            target = "an invalid address"
        shown = self._endpoint.shown(target, 100)
        said = f"{self._host} answered {status}, a redirect to {shown}, which is not followed"
        return Fault("provider_error", f"{said}: give the final address as the base URL", Then.STOP)

    def _lost(self, error: Exception) -> Fault:
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            said = f"the certificate of {self._host} is not trusted"
            return Fault("provider_error", said, Then.STOP)
        if isinstance(error, aiohttp.ClientConnectorError):
            reason = error.os_error.strerror or type(error.os_error).__name__
            return Fault("provider_error", f"cannot connect to {self._host}: {reason[:200]}", usage=FREE)
        said = f"{self._host} broke off before its answer was whole ({type(error).__name__})"
        return Fault("provider_error", said, usage=UNKNOWN_COST)

    async def close(self) -> None:
        """Close all connections; calls under way fail."""
        await self._session.close()


def _let_go(session: aiohttp.ClientSession, loop: asyncio.AbstractEventLoop) -> None:
    # A client that nobody closed, or Python at its exit: aiohttp would print complaints to the terminal.
    if session.closed:
        return
    if loop.is_closed():
        # Nothing is left to wait for, so that one step runs it to its end.
        with suppress(StopIteration):
            session.close().send(None)
    elif loop.is_running():
        closing = asyncio.run_coroutine_threadsafe(session.close(), loop)
        if asyncio._get_running_loop() is not loop:
            with suppress(TimeoutError):
                closing.result(EXIT_SECONDS)


class Links:
    """The links of a client, one for each event loop that uses it, as connections belong to their loop."""

    def __init__(self, endpoint: Endpoint, max_connections: int) -> None:
        self._endpoint = endpoint
        self._max_connections = max_connections
        self._links: dict[asyncio.AbstractEventLoop, Link] = {}

    def here(self) -> Link:
        """Give the running loop's link."""
        loop = asyncio.get_running_loop()
        link = self._links.get(loop)
        if link is None:
            for past in [known for known in list(self._links) if known.is_closed()]:
                del self._links[past]
            link = self._links[loop] = Link(self._endpoint, self._max_connections)
        return link

    async def aclose(self) -> None:
        """Close every link, also those of loops that run in other threads; a later call opens new ones."""
        here = asyncio.get_running_loop()
        for loop, link in list(self._links.items()):
            if loop is here or loop.is_closed():
                await link.close()
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(link.close(), loop))
            self._links.pop(loop, None)
