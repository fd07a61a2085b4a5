"""A model's server for the benchmark of judging: canned answers, after the delay that the path names.

    python tests/benchmarks/judging_server.py        # prints its port, runs until its input ends

``http://127.0.0.1:PORT/SHAPE/MS/v1`` answers chat completions with the verdict of that shape after so many
milliseconds: as the arguments of a tool call where the request holds tools, as text where it does not. It
parses no more than the length of a request and keeps every connection open.
"""

import asyncio
import json
import sys
from functools import lru_cache
from typing import Any

EXPLANATION = (
    'The output states the sum, names the day on which it was sent, and adds "three to five working days"; '
    "the input asks for just that.\nNothing in it goes beyond what the input says."
)
# Of each shape the answer and the tool that returns it.
VERDICTS: dict[str, tuple[str, dict[str, Any]]] = {
    "rubric": (
        "Verdict",
        {
            "accurate": {"explanation": EXPLANATION, "label": "yes"},
            "complete": {"explanation": EXPLANATION, "label": "partly"},
            "polite": {"explanation": EXPLANATION, "label": "yes"},
        },
    ),
    "choice": ("select_choice", {"reasons": EXPLANATION, "choice": "yes"}),
    "score": ("score", {"reasoning": EXPLANATION, "score": 1.0}),
    "reason": ("score", {"reason": EXPLANATION, "score": 10}),
}
USAGE = {"prompt_tokens": 900, "completion_tokens": 150, "total_tokens": 1050}


@lru_cache
def answer(shape: str, as_tool: bool) -> bytes:
    """The whole HTTP answer."""
    tool, verdict = VERDICTS[shape]
    said = json.dumps(verdict)
    call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": said}}
    message = {"role": "assistant", "content": None if as_tool else said, "refusal": None}
    whole = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "gpt-4.1-mini-2025-04-14",
        "choices": [
            {
                "index": 0,
                "message": message | ({"tool_calls": [call]} if as_tool else {}),
                "finish_reason": "tool_calls" if as_tool else "stop",
            }
        ],
        "usage": USAGE,
    }
    body = json.dumps(whole).encode()
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    )


class Connection(asyncio.Protocol):
    """One connection; a client sends its next request only after the answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.held = b""

    def data_received(self, data: bytes) -> None:
        held = self.held = self.held + data if self.held else data
        head = held.find(b"\r\n\r\n")
        if head < 0:
            return
        start = held[:head].lower()
        at = start.find(b"content-length:")
        length = int(start[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(held) < head + 4 + length:
            return
        self.held = b""
        _, shape, delay, _ = held.split(b"/", 3)
        whole = answer(shape.decode(), b'"tools":' in held)
        if delay == b"0":
            self.transport.write(whole)
        else:
            asyncio.get_running_loop().call_later(int(delay) / 1000, self.transport.write, whole)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
