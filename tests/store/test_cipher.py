"""Encryption of credentials."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.secret import Secret
from bot.errors import SettingsError, Undecryptable
from bot.store.cipher import Keyring, Place, key_id_of, shown_fingerprint

PLACE = Place("T1", "registry", "credential")
SAMPLE = "sample:" + "A" * 43 + "="
SECRETS = {"username_token": Secret("canary-3f9a1c77"), "other": Secret("ünïcødé\n")}


def new(key_id: str = "k1") -> str:
    return Keyring.generate_text(key_id)


def ring(text: str) -> Keyring:
    return Keyring.parse(Secret(text))


def test_what_was_sealed_opens_in_its_place() -> None:
    """The same secrets come back, by name."""
    keys = ring(new())

    assert keys.open(keys.seal(SECRETS, PLACE), PLACE) == SECRETS


@pytest.mark.parametrize("part", ["team_id", "registry_id", "credential_id", "what"])
def test_a_blob_in_another_row_does_not_open(part: str) -> None:
    """Copying a ciphertext between workspaces, registries, versions or tables is found out."""
    keys = ring(new())
    blob = keys.seal(SECRETS, PLACE)

    with pytest.raises(Undecryptable, match="moved"):
        keys.open(blob, replace(PLACE, **{part: "elsewhere"}))


def test_places_that_read_alike_are_different() -> None:
    """Moving a letter from one id to the next does not make the same associated data."""
    keys = ring(new())
    blob = keys.seal(SECRETS, Place("T1", "ab", "c"))

    with pytest.raises(Undecryptable):
        keys.open(blob, Place("T1", "a", "bc"))


@given(st.data())
def test_every_flipped_bit_is_found(data: st.DataObject) -> None:
    """Header, nonce, ciphertext and tag are all authenticated."""
    keys = ring(new())
    blob = bytearray(keys.seal(SECRETS, PLACE))
    position = data.draw(st.integers(0, len(blob) - 1))
    blob[position] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(Undecryptable):
        keys.open(bytes(blob), PLACE)


@given(st.data())
def test_every_truncation_is_found(data: st.DataObject) -> None:
    """A blob that was cut anywhere does not open."""
    keys = ring(new())
    blob = keys.seal(SECRETS, PLACE)

    with pytest.raises(Undecryptable):
        keys.open(blob[: data.draw(st.integers(0, len(blob) - 1))], PLACE)


@given(st.binary(max_size=200))
def test_garbage_is_undecryptable_and_nothing_else(blob: bytes) -> None:
    """No bytes of the database make another error."""
    with pytest.raises(Undecryptable):
        ring(new()).open(blob, PLACE)


def test_a_key_that_is_not_held_is_named() -> None:
    """The sentence says which key is missing."""
    blob = ring(new("old")).seal(SECRETS, PLACE)

    with pytest.raises(Undecryptable, match="the key old"):
        ring(new("new")).open(blob, PLACE)


def test_another_key_of_the_same_id_does_not_open() -> None:
    """An id is a name, not a proof."""
    blob = ring(new("k1")).seal(SECRETS, PLACE)

    with pytest.raises(Undecryptable):
        ring(new("k1")).open(blob, PLACE)


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    """A key added in front is used from then on, and what is older still opens."""
    old = new("2025")
    older = ring(old).seal(SECRETS, PLACE)
    both = ring(f"{new('2026')},{old}")

    assert both.open(older, PLACE) == SECRETS
    assert key_id_of(both.seal(SECRETS, PLACE)) == "2026"


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    """Equal ciphertexts would tell of equal secrets."""
    keys = ring(new())

    assert keys.seal(SECRETS, PLACE) != keys.seal(SECRETS, PLACE)


def test_a_fingerprint_tells_equal_secrets_of_one_workspace() -> None:
    """Equal for equal secrets, different for others and in other workspaces."""
    keys = ring(new())
    mine = keys.fingerprint({"password": Secret("one")}, "T1")

    assert mine == keys.fingerprint({"token": Secret("one")}, "T1")
    assert mine != keys.fingerprint({"password": Secret("two")}, "T1")
    assert mine != keys.fingerprint({"password": Secret("one")}, "T2")


def test_a_fingerprint_survives_a_key_added_in_front() -> None:
    """People know a credential by it, so it must not change when keys are replaced."""
    old = new("2025")
    before = ring(old).fingerprint(SECRETS, "T1")

    assert ring(f"{new('2026')},{old}").fingerprint(SECRETS, "T1") == before


def test_a_fingerprint_cannot_be_computed_without_the_keys() -> None:
    """A plain hash of a short password could be searched for."""
    assert ring(new()).fingerprint(SECRETS, "T1") != ring(new()).fingerprint(SECRETS, "T1")


def test_a_fingerprint_is_shown_in_groups_of_four() -> None:
    """Eight digits are enough for people."""
    assert shown_fingerprint("9f3c11ab00112233") == "9f3c 11ab"
    assert shown_fingerprint("") == ""


@pytest.mark.parametrize(
    "text",
    ["", "k1", "k1:", "k1:c2hvcnQ=", f"{SAMPLE},{SAMPLE}", "bad id:xx", f"{SAMPLE},"],
)
def test_a_malformed_keyring_is_refused_without_quoting_it(text: str) -> None:
    """The sentence names the setting, never a part of a key."""
    with pytest.raises(SettingsError, match="ENCRYPTION_KEYS") as caught:
        ring(text)

    assert not any(part and part in str(caught.value) for part in text.split(":")[1:])


def test_a_keyring_prints_ids_only() -> None:
    """Its repr is fit for logs."""
    assert repr(ring(new("k7"))) == "Keyring(k7)"
