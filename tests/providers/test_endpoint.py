"""Addresses, keys, and texts of a server made fit to be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgekit.errors import UsageError
from judgekit.providers.endpoint import Endpoint, host_of, is_local, is_openai, open_endpoint


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:8000/v1", True),
        ("HTTP://LOCALHOST/v1", True),
        ("http://127.0.0.1", True),
        ("http://127.9.9.9:1/v1", True),
        ("http://[::1]:8000/v1", True),
        (None, False),
        ("https://api.openai.com/v1", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.nip.io", False),
        ("http://0.0.0.0:8000", False),
        ("http://192.168.0.2", False),
        ("http://127.0.0.1@evil.example", False),
        ("http://evil.example#@127.0.0.1", False),
        ("http://evil.example\\@127.0.0.1", False),
        ("http://127.1", False),
        ("ftp://localhost", False),
        ("localhost:8000", False),
        ("", False),
    ],
)
def test_is_local(url, local):
    assert is_local(url) is local


@pytest.mark.parametrize(
    ("url", "openai"),
    [
        ("https://api.openai.com/v1", True),
        ("https://API.OpenAI.com:443/v1/", True),
        ("http://api.openai.com/v1", False),
        ("https://api.openai.com.evil.example/v1", False),
        ("https://api.openai.com:8443/v1", False),
    ],
)
def test_only_the_host_itself_gets_its_key(monkeypatch, url, openai):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    assert is_openai(url) is openai
    assert open_endpoint(url).key == ("sk-openai" if openai else "")


@pytest.mark.parametrize(
    "url",
    [
        "https://me:sk-secret@host/v1",
        "https://sk-secret@host/v1",
        "https://host/v1?key=sk-secret",
        "https://host/v1#sk-secret",
        "sk-secret://host",
        "https:///sk-secret",
        "https://host:sk-secret/v1",
        "https://[sk-secret/v1",
        "https://host/ sk-secret",
        "https://host/\nsk-secret",
    ],
)
def test_unusable_addresses_are_refused_without_an_echo(url):
    with pytest.raises(UsageError) as refused:
        open_endpoint(url)
    assert "sk-secret" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("MY_KEY", None, "MY_KEY is not set"),
        ("MY_KEY", "  ", "MY_KEY is not set"),
        ("MY_KEY", "sk-secret\nX-Evil: 1", "characters that no key has"),
        ("MY_KEY", "sk-sécret", "characters that no key has"),
        ("sk-secret", None, "the variable named as the key's is not set"),
        ("hf_secret", None, "the variable named as the key's is not set"),
    ],
)
def test_missing_and_impossible_keys_are_told_without_an_echo(monkeypatch, name, value, shown):
    monkeypatch.delenv(name, raising=False)
    if value is not None:
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=shown) as refused:
        open_endpoint("http://localhost/v1", name)
    assert "secret" not in str(refused.value) and "sécret" not in str(refused.value)


def test_host_of():
    assert host_of("https://Host.example/v1") == "host.example"
    assert host_of("http://[::1]:8000/v1") == "[::1]:8000"


KEY = "sk-0123456789abcdef"


@given(st.lists(st.one_of(st.text(), st.just(KEY), st.characters(categories=["Cc", "Cf", "Cs", "Zl"]))))
def test_what_is_shown_is_one_short_harmless_line_without_the_key(pieces):
    shown = Endpoint("http://localhost", "localhost", KEY).shown("".join(pieces) * 9)
    assert len(shown) <= 301 and shown.isprintable() and KEY not in shown


def test_short_keys_are_left_in_answers_but_not_in_messages():
    endpoint = Endpoint("http://localhost", "localhost", "EMPTY")
    assert endpoint.without_key("the answer is EMPTY") == "the answer is EMPTY"
    assert endpoint.shown("key EMPTY") == "key [key]"


@pytest.mark.parametrize(
    "said",
    [
        KEY,
        KEY.upper(),
        KEY[3:],
        KEY[:12],
        "\\u0073" + KEY[1:],
        "".join(f"\\u00{ord(char):02X}" for char in KEY),
        KEY[:5] + "\\u0032" + KEY[6:],
    ],
)
def test_a_key_is_known_however_it_is_written(said):
    endpoint = Endpoint("http://localhost", "localhost", KEY)
    text = f'{{"a": "say \\"é\\" {said}\\n{said}!"}}'
    assert endpoint.without_key(text) == '{"a": "say \\"é\\" [key]\\n[key]!"}'
    assert endpoint.shown(f"key {said}.") == "key [key]."


def test_what_is_no_key_stays():
    endpoint = Endpoint("http://localhost", "localhost", "abc/def/ghi/jkl/mno")
    assert endpoint.without_key("abc\\/def\\/ghi\\/jkl") == "[key]"
    assert endpoint.without_key("\\\\u0061bc/def/ghi/jkl") == "\\\\u0061[key]"
    newline = Endpoint("http://localhost", "localhost", "nabc/def/ghi/jkl/mno")
    assert newline.without_key("\\nabc/def/ghi/jkl") == "\\n[key]"
    for text in ("", "abc/def/gh", "a\\\\/b \\u00e9 \\", "x" * 99):
        assert endpoint.without_key(text) == text


@pytest.mark.parametrize(
    "host", ["a..b", ".", "..", ".a", "x" * 70, "a." + "x" * 70 + ".b", "é" * 70, "é..b"]
)
def test_hosts_that_are_no_names_are_refused(host):
    with pytest.raises(UsageError, match="host"):
        open_endpoint(f"http://{host}/v1")
    assert host_of("http://a.b./v1") == "a.b."
