"""Prices come from litellm's table, read as a file; what is not known is not free."""

import subprocess
import sys

import pytest

from judgekit.exchange import Usage
from judgekit.providers.prices import Price, price_of

MILLION = Usage(1_000_000, 1_000_000, 0)


def test_the_table_is_read_without_litellm():
    code = "import sys; from judgekit.providers.prices import price_of; print(price_of('gpt-4.1-mini'))\n"
    code += "print('litellm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "Price(input=0.4, output=1.6, cached=0.1, stored=None, up_to=None)\nFalse\n"


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("openai/gpt-4.1-mini", Price(0.4, 1.6, 0.1)),
        ("anthropic/claude-sonnet-4-5", Price(3.0, 15.0, 0.3, 3.75)),
        ("gemini/gemini-2.5-flash", Price(0.3, 2.5, 0.03)),
        ("mistral/mistral-small-latest", Price(0.15, 0.6, 0.015)),
    ],
)
def test_known_models(model, price):
    assert price_of(model) == price


def test_amazons_names_are_found_with_and_without_a_region():
    name = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    plain = price_of(f"bedrock/{name}")
    assert plain is not None and (plain.input, plain.output, plain.up_to) == (3.0, 15.0, 200_000)
    assert price_of(f"bedrock/us-east-1/{name}") == plain == price_of(f"bedrock/converse/{name}")


@pytest.mark.parametrize(
    "model",
    [
        "openai/no-such-model",
        "no-such-model",
        "anthropic/gpt-4.1-mini",  # somebody else's
        "azure/gpt-4.1-mini",  # a deployment may have any name
        "perplexity/sonar",  # also paid by search
        "ollama/llama2",  # 0 in the table
        "openai/text-embedding-3-small",
        "sample_spec",
        "",
        "/",
        "openai/",
    ],
)
def test_what_is_not_known_is_none(model):
    assert price_of(model) is None


def test_another_server_has_no_price_of_the_table():
    assert price_of("gpt-4.1-mini", "http://localhost:8000/v1") is None
    assert price_of("anthropic/claude-sonnet-4-5", "https://example.com") is None
    assert price_of("gpt-4.1-mini", "https://api.openai.com/v1") == price_of("gpt-4.1-mini")


def test_costs():
    price = Price(3.0, 15.0, 0.3, 3.75)
    assert price.cost(MILLION) == pytest.approx(18.0)
    assert price.cost(Usage(1_000_000, 0, 600_000), stored_tokens=100_000) == pytest.approx(
        0.3 * 3.0 + 0.6 * 0.3 + 0.1 * 3.75
    )
    assert Price(3.0, 15.0).cost(Usage(1_000_000, 0, 600_000), 100_000) == pytest.approx(3.0)
    assert price.cost(Usage(1_000_000, 0, None)) == pytest.approx(3.0)


@pytest.mark.parametrize("usage", [Usage(), Usage(5, None), Usage(None, 5), Usage(200_001, 5)])
def test_a_cost_that_is_not_known_is_none(usage):
    assert Price(1.0, 1.0, up_to=200_000).cost(usage) is None
