"""A real HTTP server on loopback that answers as scripted: well, late, wrongly, in part or not at all.

It knows nothing of judgekit. `LoopbackServer(script)` takes a list of answers (the last one is repeated) or a
function of the request; both may give a plain text, which a judge then seems to have said:

    with LoopbackServer([error(429, headers={"Retry-After": "1"}), "the verdict"]) as server:
        ...  # talk to server.url, then look at server.seen

    with LoopbackServer(lambda seen: Answer(completion("pass"), delay=0.2)) as server:
        ...
"""

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """One request as it arrived; `at` is `time.monotonic()`, header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    at: float

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)

    def said(self, role: str = "user") -> str:
        """The text of the last message of a role."""
        return [m["content"] for m in self.body["messages"] if m["role"] == role][-1]


@dataclass
class Answer:
    """What to send back, and what is to go wrong with it.

    `delay` seconds pass first. `reset` then drops the connection without a byte; `keep` sends only that many
    bytes of the body and then resets; `trickle` sends the body byte by byte with so many seconds between;
    `length` is what Content-Length claims.
    """

    body: Any = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    reset: bool = False
    keep: int | None = None
    trickle: float | None = None
    length: int | None = None

    def payload(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


def completion(text: Any, *, model: str = "served-1", finish: Any = "stop", **changes: Any) -> dict[str, Any]:
    """A chat completion; `changes` replace parts of it."""
    message = {"role": "assistant", "content": text}
    whole = {
        "id": "x",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 40},
        },
    }
    return whole | changes


def error(status: int, message: str = "no", headers: dict[str, str] | None = None, **parts: Any) -> Answer:
    """An error answer in OpenAI's shape; `parts` such as code and param go into the error object."""
    return Answer({"error": {"message": message, **parts}}, status, headers or {})


Scripted = Answer | str
Script = Sequence[Scripted] | Callable[[Seen], Scripted]


class LoopbackServer:
    """A server in a thread of its own, for the time of a `with` block."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.seen: list[Seen] = []
        self.most_at_once = 0
        self._at_once = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def count(self) -> int:
        return len(self.seen)

    def __enter__(self) -> "LoopbackServer":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0, backlog=2048)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        # What came in just now is met first: asyncio loses a connection that it is accepting meanwhile.
        for _ in range(5):
            await asyncio.sleep(0)
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (seen := await _read_request(reader)) is not None:
                self.seen.append(seen)
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
                try:
                    await _send(writer, self._answer(seen, len(self.seen)))
                finally:
                    self._at_once -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    def _answer(self, seen: Seen, number: int) -> Answer:
        if callable(self._script):
            scripted = self._script(seen)
        else:
            scripted = self._script[min(number, len(self._script)) - 1]
        return Answer(completion(scripted)) if isinstance(scripted, str) else scripted


async def _read_request(reader: asyncio.StreamReader) -> Seen | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, path, _ = first.split(" ")
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, path, headers, raw, time.monotonic())


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> None:
    if answer.delay:
        await asyncio.sleep(answer.delay)
    if answer.reset:
        return _reset(writer)
    payload = answer.payload()
    length = len(payload) if answer.length is None else answer.length
    headers = {"Content-Type": "application/json", "Content-Length": str(length)} | answer.headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {answer.status} Scripted\r\n{lines}\r\n".encode())
    for piece in _pieces(payload[: answer.keep], answer.trickle):
        writer.write(piece)
        await writer.drain()
        if answer.trickle:
            await asyncio.sleep(answer.trickle)
    if answer.keep is not None:
        await asyncio.sleep(0.02)
        _reset(writer)
    elif length != len(payload):
        writer.close()


def _pieces(payload: bytes, trickle: float | None) -> list[bytes]:
    return [payload] if not trickle else [payload[i : i + 1] for i in range(len(payload))]


def _reset(writer: asyncio.StreamWriter) -> None:
    # Lingering for 0 seconds makes closing a reset instead of an orderly end.
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
