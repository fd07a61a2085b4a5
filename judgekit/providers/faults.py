"""What an error answer means: which status the row gets, and whether trying again makes sense."""

import json
import re
from dataclasses import dataclass
from typing import Any

from judgekit.exchange import FREE
from judgekit.providers.endpoint import Endpoint
from judgekit.providers.retry import UNKNOWN_COST, Fault, Then

QUOTA_CODES = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "access_terminated",
    "account_deactivated",
}
FILTER_CODES = {"content_filter", "content_policy_violation", "responsibleaipolicyviolation"}
CONTEXT_CODES = {"context_length_exceeded", "exceed_context_size_error"}
MODEL_CODES = {"model_not_found", "invalid_model", "model_not_available"}

QUOTA_WORDS = re.compile(r"current quota|billing|credit balance|out of credits|insufficient (funds|balance)")
CONTEXT_WORDS = re.compile(r"context (length|size|window)|maximum context|(prompt|input) is too long")
KEY_WORDS = re.compile(r"(incorrect|invalid) api key|api key (is )?(not valid|invalid|expired)")
NO_MODEL_WORDS = re.compile(r"not found|does not exist|not a valid model|unknown model|no such model")

# A gateway that lost its patience: the model behind it may have answered, and been paid.
MAYBE_BILLED = {502, 504, 520, 524}
TRANSIENT = {408, 409, 425}
# Lists and details within each other that are looked into for words; what lies deeper is shown as JSON.
MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error answer, whoever sent it.

    Attributes
    ----------
    host : str
        Who complains.
    http : int
        The HTTP status.
    message, code, param : str
        What the provider says, fit to be shown; empty where it says nothing.
    """

    host: str
    http: int
    message: str = ""
    code: str = ""
    param: str = ""

    @property
    def text(self) -> str:
        """All words in lower case, to look for known ones."""
        return f"{self.code} {self.param} {self.message}".lower()

    @property
    def about_context(self) -> bool:
        """Whether the request is too long for the model."""
        # "max_tokens is too large … maximum context length" speaks of the room for the answer.
        return self.code in CONTEXT_CODES or (
            bool(CONTEXT_WORDS.search(self.text)) and "too large" not in self.text
        )

    def __str__(self) -> str:
        return f"{self.host} answered {self.http}" + (f": {self.message}" if self.message else "")


def read_complaint(endpoint: Endpoint, http: int, body: str) -> Complaint:
    """Find the words in an error body: OpenAI's shape, FastAPI's, a bare text, or HTML."""
    try:
        return _read(endpoint, http, json.loads(body))
    except (ValueError, RecursionError):
        return Complaint(endpoint.host, http, endpoint.shown(body))


def _read(endpoint: Endpoint, http: int, found: Any) -> Complaint:
    error = found.get("error") or found if isinstance(found, dict) else found
    if not isinstance(error, dict):
        return Complaint(endpoint.host, http, endpoint.shown(_words(error)))
    said = error.get("message") or error.get("detail") or error.get("msg") or ""
    # Google's compatible answers name the kind under "status".
    codes = [c for c in map(error.get, ("code", "type", "status")) if isinstance(c, str) and c]
    code = next((c for c in codes if c.lower() in QUOTA_CODES), codes[0] if codes else "")
    param = error.get("param")
    message = endpoint.shown(_words(said))
    return Complaint(endpoint.host, http, message, code.lower(), param if isinstance(param, str) else "")


def _words(said: Any, depth: int = MAX_DEPTH) -> str:
    if isinstance(said, str):
        return said
    if depth and isinstance(said, dict) and "detail" in said:
        return _words(said["detail"], depth - 1)
    if depth and isinstance(said, list):
        return "; ".join(_words(part, depth - 1) for part in said[:10])
    if isinstance(said, dict) and "msg" in said:
        place = said.get("loc")
        return f"{'.'.join(map(str, place)) if isinstance(place, list) else ''}: {said['msg']}"
    return json.dumps(said, ensure_ascii=False)


def fault_of(complaint: Complaint, wait: float | None = None, *, model: str = "") -> Fault:
    """Judge an error answer.

    Parameters
    ----------
    complaint : Complaint
        What was answered.
    wait : float or None
        Seconds that the provider asks to wait.
    model : str
        The model asked for, to tell "model x does not exist" from other complaints.
    """
    http = complaint.http
    if hint := _hopeless(complaint, wait, model):
        return Fault("provider_error", f"{complaint} ({hint})", Then.STOP)
    if complaint.code in FILTER_CODES:
        return Fault("filtered", str(complaint), Then.GIVE_UP)
    if http == 429:
        return Fault("rate_limited", str(complaint), wait=wait)
    if http in TRANSIENT or http >= 500:
        usage = UNKNOWN_COST if http in MAYBE_BILLED else FREE
        return Fault("provider_error", str(complaint), usage=usage, wait=wait)
    return Fault("provider_error", str(complaint), Then.GIVE_UP)


def _hopeless(complaint: Complaint, wait: float | None, model: str) -> str:
    http, text = complaint.http, complaint.text
    if http in (401, 403) and complaint.code not in FILTER_CODES:
        return "check the key and what it is allowed to use"
    if http in (404, 405):
        return "check the model's name and the base URL, which usually ends in /v1"
    if http == 402 or complaint.code in QUOTA_CODES:
        return "the account has no quota left; the same command goes on after the repair"
    # Some providers say "quota" when they mean "slow down"; those give a code or a time to wait.
    if http in (400, 429) and wait is None and not _coded(complaint) and QUOTA_WORDS.search(text):
        return "the account has no quota left; the same command goes on after the repair"
    if http == 400 and KEY_WORDS.search(text):
        return "check the key and what it is allowed to use"
    if http == 400 and (complaint.code in MODEL_CODES or _no_such_model(text, model)):
        return "check the model's name"
    return ""


def _coded(complaint: Complaint) -> bool:
    return complaint.code not in ("", "invalid_request_error")


def _no_such_model(text: str, model: str) -> bool:
    return bool(model) and model.lower() in text and bool(NO_MODEL_WORDS.search(text))
