import copy
import json
import logging
import pickle

import orjson
import pytest

from llmhub.base.secret import Secret
from llmhub.base.tokens import PREFIX, token_hash, token_new

SECRET = Secret("sk-0123456789abcdef")


def test_it_shows_itself_to_nobody_by_accident(caplog):
    logging.getLogger("test").warning("key %s %r", SECRET, {"key": SECRET})
    shown = [
        f"{SECRET} {SECRET!r} {SECRET!s} {SECRET:>30}",
        f"{SECRET}",
        str([SECRET]),
        caplog.text,
    ]
    assert all("sk-0" not in text and "***" in text for text in shown)


@pytest.mark.parametrize("dumps", [json.dumps, orjson.dumps, pickle.dumps, copy.copy])
def test_it_is_not_serialised(dumps):
    with pytest.raises(TypeError):
        dumps(SECRET)


def test_its_last_four_characters_only_where_they_are_a_small_part():
    assert SECRET.last4() == "cdef"
    assert Secret("short-key-1").last4() == ""
    assert Secret("").last4() == ""


def test_it_compares_by_value_and_with_secrets_alone():
    assert Secret("sk-0123456789abcdef") == SECRET
    assert Secret("other") != SECRET
    assert SECRET.reveal() != SECRET
    assert Secret("é") == Secret("é")
    assert len({SECRET, Secret(SECRET.reveal())}) == 1


def test_it_is_true_where_there_is_something():
    assert SECRET
    assert not Secret("")


def test_what_stands_before_it_is_secret_too():
    assert SECRET.prefixed("Bearer ").reveal() == "Bearer sk-0123456789abcdef"


def test_a_token_is_256_random_bits():
    tokens = {token_new().reveal() for _ in range(50)}
    assert len(tokens) == 50
    assert all(t.startswith(PREFIX) and len(t) == len(PREFIX) + 43 for t in tokens)


def test_only_the_hash_of_a_token_is_known():
    assert len(token_hash("hub_x")) == 64
    assert token_hash("hub_x") != token_hash("hub_y")
    assert token_hash("\ud800")
