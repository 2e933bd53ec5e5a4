"""Secrets stay out of addresses and logs, and nobody writes log lines through what they send."""

from __future__ import annotations

import json
import logging
import re
import unicodedata

import pytest

from catalog import tokens
from marketplace.logs import JsonLines
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("parameter", ["token", "access_token", "next", "q"])
@pytest.mark.parametrize("prefix", [tokens.ACCESS_PREFIX, tokens.NODE_PREFIX])
def test_an_access_token_in_an_address_is_refused_on_every_face(parameter, prefix):
    secret = tokens.new_token(prefix)

    for path in ("/", "/models", "/api/models", "/api/v1/models", "/login", "/static/x", "/ann/model/info/refs"):
        answer = RawClient().get(f"{path}?{parameter}={secret}")
        assert (answer.status_code, answer["X-Error-Code"]) == (400, "TokenInAddress")
        assert secret not in answer.content.decode()


def test_what_only_looks_like_a_token_may_be_searched_for():
    assert RawClient().get("/api/models?search=hf_" + "a" * 40).status_code == 200


def line_of(message: str, *args: object) -> str:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, message, args, None)
    return JsonLines().format(record)


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("Bearer " + tokens.new_token(), id="access token"),  # named: it differs in every process
        pytest.param("Bearer " + tokens.new_token(tokens.NODE_PREFIX, "n"), id="node token"),
        "/-/uploads/7?sig=abcdefSECRET",
        "https://bucket/x?X-Amz-Signature=SECRETSECRET&x=1",
        "postgres://user:SECRET@host/db",
        "password=SECRET",
        "Forbidden: /-/lfs/SECRET",
        "Forbidden: /-/xorbs/SECRET/0",
        "Unprocessable Content: /join/MQ/SECRET",
    ],
)
def test_secrets_do_not_reach_the_log(secret):
    line = line_of("asked %s", secret)

    assert "SECRET" not in line
    assert not any(tokens.is_well_formed(word) for word in re.findall(r"[a-z]+_[0-9A-Za-z]{40}", line))


def test_a_line_break_in_a_message_makes_no_second_line():
    line = line_of('x\n{"level": "info", "message": "forged"}\r\x1b[2J\u2028\x9b2J\x85\u202e\x00 模型')

    assert len(line.splitlines()) == 1
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Zl"} for char in line)
    assert json.loads(line)["message"].startswith("x\n")
    assert "模型" in line


def test_the_link_that_an_operator_hands_over_is_readable():
    record = logging.LogRecord("x", logging.WARNING, __file__, 1, "hand over /join/MQ/abc", (), None)
    record.is_for_operator = True

    assert "/join/MQ/abc" in JsonLines().format(record)
