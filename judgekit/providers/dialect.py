"""What a server does not accept, and so is no longer sent: learned from its own complaints."""

import re
from collections.abc import Set
from typing import Any, NamedTuple

from judgekit.exchange import Message
from judgekit.providers.faults import Complaint

REFUSALS = {400, 422}
SCHEMA, TOOL, OBJECT, PROSE = range(4)
STRUCTURE_WORDS = re.compile(
    r"response_format|json_schema|json_object|structured.output|guided.decoding|grammar"
)
TOOL_WORDS = re.compile(r"\btools?\b|tool.(choice|call|use)|function.call")
SYSTEM_WORDS = re.compile(
    r"system.?(role|message|prompt|instruction)|(role|message)\W{1,3}system|developer.instruction"
)
ALTERNATIVES = (20, 5)  # likeliest tokens that are asked for at each place; few servers give more than five
LIMIT_NAMES = {"max_tokens", "max_completion_tokens"}
LIMIT_WORDS = re.compile(r"max_(completion_)?tokens")


class Dialect(NamedTuple):
    """How many steps were taken back, for each part of a request that a server may refuse.

    Attributes
    ----------
    structure : int
        0 the reply's schema is enforced, 1 the reply is a call of a tool with that schema, 2 any JSON object,
        3 nothing (the prompt describes the schema).
    temperature : int
        0 sent, 1 left out.
    limit : int
        The limit of the answer's length: 0 the usual parameter, 1 the other one, 2 left out.
    system : int
        0 the judge's task is a turn of its own, 1 it stands at the head of the item's.
    probabilities : int
        Of tokens, where asked for: 0 with twenty alternatives, 1 with five, 2 left out.
    """

    structure: int = SCHEMA
    temperature: int = 0
    limit: int = 0
    system: int = 0
    probabilities: int = 0

    def joined(self, other: "Dialect") -> "Dialect":
        """All that either has learned."""
        return Dialect(*map(max, self, other))

    def conceding(self, complaint: Complaint, sent: Set[str]) -> "Dialect | None":
        """Take one step back where the server asks for it.

        Parameters
        ----------
        complaint : Complaint
            The error answer.
        sent : set of str
            The parameters that were sent.

        Returns
        -------
        Dialect or None
            None if the complaint is about something else. Each step makes some part larger, so that a
            request is sent again at most nine times on that account.
        """
        if complaint.http not in REFUSALS or complaint.about_context:
            return None
        words = complaint.text
        if "logprobs" in sent and "logprobs" in words:
            return self._replace(probabilities=self.probabilities + 1)
        if "response_format" in sent and STRUCTURE_WORDS.search(words):
            return self._replace(structure=self.structure + 1)
        if "tools" in sent and TOOL_WORDS.search(words):
            return self._replace(structure=OBJECT)
        if not LIMIT_NAMES.isdisjoint(sent) and LIMIT_WORDS.search(words):
            return self._replace(limit=2 if "too large" in words else self.limit + 1)
        if "temperature" in sent and "temperature" in words:
            return self._replace(temperature=1)
        if "system" in sent and SYSTEM_WORDS.search(words):
            return self._replace(system=1)
        return None

    def accepted(self, limit_names: tuple[str, str]) -> dict[str, str]:
        """Say for people and programs how a request is put, as far as the server's complaints have shown.

        Parameters
        ----------
        limit_names : tuple of str
            The usual parameter for the limit of the answer's length, and the other one.

        Returns
        -------
        dict of str to str
            ``structure`` (``json_schema``, ``tool``, ``json_object``, ``text``), ``temperature`` (``sent``,
            ``left_out``), ``limit`` (the parameter, ``left_out``), ``system`` (``own_turn``,
            ``in_user_turn``), ``probabilities`` (alternatives asked for, ``left_out``).
        """
        alternatives = [*map(str, ALTERNATIVES), "left_out"]
        return {
            "structure": ("json_schema", "tool", "json_object", "text")[self.structure],
            "temperature": ("sent", "left_out")[self.temperature],
            "limit": (*limit_names, "left_out")[self.limit],
            "system": ("own_turn", "in_user_turn")[self.system],
            "probabilities": alternatives[min(self.probabilities, len(ALTERNATIVES))],
        }


def parameters(
    dialect: Dialect,
    *,
    schema: dict[str, Any] | None,
    schema_name: str,
    temperature: float,
    max_tokens: int | None,
    limit_names: tuple[str, str],
    probabilities: bool,
) -> dict[str, Any]:
    """Give all of a request's body but model and messages, as far as the server accepts it."""
    found = _structure(dialect.structure, schema, schema_name) if schema is not None else {}
    if dialect.temperature == 0:
        found["temperature"] = temperature
    if max_tokens is not None and dialect.limit < 2:
        found[limit_names[dialect.limit]] = max_tokens
    if probabilities and dialect.probabilities < len(ALTERNATIVES):
        found |= {"logprobs": True, "top_logprobs": ALTERNATIVES[dialect.probabilities]}
    return found


def without_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Give the same turns with the system's at the head of the user's."""
    system, user, *rest = messages
    return (Message("user", f"{system.content}\n\n{user.content}"), *rest)


def _structure(step: int, schema: dict[str, Any], name: str) -> dict[str, Any]:
    if step == SCHEMA:
        strict = {"name": name, "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": strict}}
    if step == TOOL:
        tool = {"name": name, "description": "Give the verdict.", "parameters": schema}
        return {
            "tools": [{"type": "function", "function": tool}],
            "tool_choice": {"type": "function", "function": {"name": name}},
        }
    return {"response_format": {"type": "json_object"}} if step == OBJECT else {}
