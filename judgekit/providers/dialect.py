"""What a server does not accept, and so is no longer sent: learned from its own complaints."""

import re
from typing import Any, NamedTuple

from judgekit.providers.faults import Complaint

REFUSALS = {400, 422}
STRUCTURE_WORDS = re.compile(
    r"response_format|json_schema|json_object|structured.output|guided.decoding|grammar"
)
LIMIT_NAMES = {"max_tokens", "max_completion_tokens"}
LIMIT_WORDS = re.compile(r"max_(completion_)?tokens")


class Dialect(NamedTuple):
    """How many steps were taken back, for each part of a request that a server may refuse.

    Attributes
    ----------
    structure : int
        0 the reply's schema is enforced, 1 any JSON object, 2 nothing (the prompt describes the schema).
    temperature : int
        0 sent, 1 left out.
    limit : int
        The limit of the answer's length: 0 the usual parameter, 1 the other one, 2 left out.
    """

    structure: int = 0
    temperature: int = 0
    limit: int = 0

    def joined(self, other: "Dialect") -> "Dialect":
        """All that either has learned."""
        return Dialect(*map(max, self, other))

    def conceding(self, complaint: Complaint, sent: set[str]) -> "Dialect | None":
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
            request is sent again at most five times on that account.
        """
        if complaint.http not in REFUSALS or complaint.about_context:
            return None
        words = complaint.text
        if "response_format" in sent and STRUCTURE_WORDS.search(words):
            return self._replace(structure=self.structure + 1)
        if not LIMIT_NAMES.isdisjoint(sent) and LIMIT_WORDS.search(words):
            return self._replace(limit=2 if "too large" in words else self.limit + 1)
        if "temperature" in sent and "temperature" in words:
            return self._replace(temperature=1)
        return None


def parameters(
    dialect: Dialect,
    *,
    schema: dict[str, Any] | None,
    schema_name: str,
    temperature: float,
    max_tokens: int | None,
    limit_names: tuple[str, str],
) -> dict[str, Any]:
    """Give all of a request's body but model and messages, as far as the server accepts it."""
    found: dict[str, Any] = {}
    if schema is not None and dialect.structure == 0:
        strict = {"name": schema_name, "strict": True, "schema": schema}
        found["response_format"] = {"type": "json_schema", "json_schema": strict}
    elif schema is not None and dialect.structure == 1:
        found["response_format"] = {"type": "json_object"}
    if dialect.temperature == 0:
        found["temperature"] = temperature
    if max_tokens is not None and dialect.limit < 2:
        found[limit_names[dialect.limit]] = max_tokens
    return found
