"""Sealed values open where they stand, and nowhere else."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st

from llmhub.base.errors import CorruptSecret
from llmhub.base.secret import Secret
from llmhub.base.secretbox import DataKey, MasterKeys, Place, key_version, seal, unseal

KEY = DataKey(1, b"k" * 32)
PLACE = Place(UUID(int=1), "llms_connection", "sealed_credentials", UUID(int=2))
# Nonce, value and tag are then a multiple of three bytes: no bit of the base64 is idle.
VALUE = Secret("sk-0123456789a")


def fernet() -> Secret:
    return Secret(Fernet.generate_key().decode())


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_opens(text):
    assert unseal(KEY, PLACE, seal(KEY, PLACE, Secret(text))).reveal() == text


def test_the_same_value_is_never_sealed_the_same_way_twice():
    assert len({seal(KEY, PLACE, VALUE) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_id": UUID(int=9)},
        {"table": "tenants_sharedconnection"},
        {"column": "key_hint"},
        {"row_id": UUID(int=9)},
        {"table": "llms_connection|sealed_credentials", "column": ""},
    ],
)
def test_it_does_not_open_at_another_place(change):
    sealed = seal(KEY, PLACE, VALUE)
    with pytest.raises(CorruptSecret):
        unseal(KEY, replace(PLACE, **change), sealed)


def test_it_does_not_open_with_another_key_or_version():
    sealed = seal(KEY, PLACE, VALUE)
    for key in (DataKey(1, b"x" * 32), DataKey(2, KEY.material)):
        with pytest.raises(CorruptSecret):
            unseal(key, PLACE, sealed)


def test_no_character_of_it_can_be_altered():
    sealed = seal(KEY, PLACE, VALUE)
    for at in range(len(sealed)):
        altered = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        with pytest.raises(CorruptSecret):
            unseal(KEY, PLACE, altered)


@pytest.mark.parametrize("junk", ["", "v1", "v1.1", "v1.1.", "v1.1.AAAA", "v2.1.x", "v1.-1.x", "é"])
def test_what_was_never_sealed_is_told_as_such(junk):
    with pytest.raises(CorruptSecret):
        unseal(KEY, PLACE, junk)


def test_it_names_the_version_of_its_key():
    assert key_version(seal(DataKey(7, KEY.material), PLACE, VALUE)) == 7


def test_every_master_key_unwraps_and_the_first_one_wraps():
    old, new = fernet(), fernet()
    wrapped = MasterKeys([old]).new_wrapped_data_key()
    both = MasterKeys([new, old])
    assert both.unwrap(1, wrapped) == MasterKeys([old]).unwrap(1, wrapped)
    assert not both.is_current(wrapped)
    moved = both.rewrap(wrapped)
    assert both.is_current(moved)
    assert MasterKeys([new]).unwrap(1, moved) == both.unwrap(1, wrapped)
    with pytest.raises(CorruptSecret, match="was one removed"):
        MasterKeys([new]).unwrap(1, wrapped)


def test_data_keys_are_random():
    keys = MasterKeys([fernet()])
    materials = {keys.unwrap(1, keys.new_wrapped_data_key()).material for _ in range(20)}
    assert len(materials) == 20
    assert {len(material) for material in materials} == {32}


def test_a_data_key_shows_itself_to_nobody():
    assert "kkkk" not in repr(KEY)
    assert str(uuid4()) != str(KEY)
