"""How a provider is asked for a verdict in the form of the schema: instructor's knowledge, our schema.

instructor is used for two things: which modes a provider has, and how a request in a mode is put. It is shown
the schema alone and never a text: its JSON modes write instructions of their own into the messages, and with
``context=`` a template engine would read them. Schema, reading and asking again stay ours.
"""

import copy
from typing import Any

from judgekit.providers.dialect import OBJECT, PROSE, SCHEMA, TOOL
from judgekit.providers.wire import load

# litellm's names of providers that instructor calls otherwise.
NAMES = {"gemini": "genai", "vertex_ai": "vertexai", "together_ai": "together", "fireworks_ai": "fireworks"}
CLAUDE = ("anthropic", "bedrock", "vertex_ai")


def ladder(provider: str, model: str) -> tuple[int, ...]:
    """List the steps of `Dialect.structure` that a model can be asked with, best first.

    Parameters
    ----------
    provider, model : str
        As litellm names them.
    """
    litellm = load()
    from instructor import Mode

    offered, refused = _offered(provider)
    takes = accepted(provider, model)
    steps = []
    if "response_format" in takes and litellm.supports_response_schema(model, custom_llm_provider=provider):
        steps.append(SCHEMA)
    if "tools" in takes and Mode.TOOLS in offered:
        steps.append(TOOL)
    # For Claude, litellm makes a tool without a schema of it, which enforces nothing.
    if "response_format" in takes and Mode.JSON in offered - refused and provider not in CLAUDE:
        steps.append(OBJECT)
    return (*steps, PROSE)


def _offered(provider: str) -> tuple[set[Any], set[Any]]:
    from instructor import Provider
    from instructor.v2.core.provider_specs import PROVIDER_SPECS

    known = {one.value: one for one in PROVIDER_SPECS}
    name = NAMES.get(provider, provider)
    # Most others speak OpenAI's language.
    spec = PROVIDER_SPECS[known.get(name, Provider.OPENAI)]
    return set(spec.supported_modes), set(spec.unsupported_modes)


def accepted(provider: str, model: str) -> set[str]:
    """Name the parameters that litellm passes on to a model."""
    return set(load().get_supported_openai_params(model, provider) or ())


def structure(step: int, schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Give the part of a request that asks for the schema."""
    if step == PROSE:
        return {}
    from instructor import Mode
    from instructor.processing.response import handle_response_model
    from pydantic import BaseModel

    shown = copy.deepcopy(schema) | {"title": name}
    body = {"__doc__": "Give the verdict.", "model_json_schema": classmethod(lambda *_, **__: shown)}
    model = type(name, (BaseModel,), body)
    mode = {SCHEMA: Mode.JSON_SCHEMA, TOOL: Mode.TOOLS}.get(step, Mode.JSON)
    _, asked = handle_response_model(model, mode, messages=[{"role": "system", "content": ""}])
    del asked["messages"]
    # instructor sorts what is required and adds titles: the schema goes as it is.
    if step == SCHEMA:
        asked["response_format"]["json_schema"] |= {"schema": schema, "strict": True}
    elif step == TOOL:
        asked["tools"][0]["function"]["parameters"] = schema
    return dict(asked)
