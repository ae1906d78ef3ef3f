"""Passwords: hashing, renewal of old parameters, one-time passwords."""

from __future__ import annotations

import re

from argon2 import PasswordHasher

from realis.web.passwords import Issued, Passwords, issue_one_time, one_time_password

WEAK = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
STRONGER = PasswordHasher(time_cost=2, memory_cost=1024, parallelism=1)


async def test_a_password_fits_its_own_hash_only() -> None:
    """Argon2id, with a salt of its own each time."""
    passwords = Passwords(WEAK)
    stored = await passwords.hash("richtig und lang")
    assert stored.startswith("$argon2id$")
    assert stored != await passwords.hash("richtig und lang")
    assert (await passwords.verify(stored, "richtig und lang")).fits
    assert not (await passwords.verify(stored, "falsch")).fits


async def test_old_parameters_are_renewed() -> None:
    """A hash made with weaker parameters comes back stronger; a current one is left alone."""
    old = await Passwords(WEAK).hash("richtig und lang")
    verdict = await Passwords(STRONGER).verify(old, "richtig und lang")
    assert verdict.fits
    assert "t=2" in verdict.new_hash
    assert (await Passwords(STRONGER).verify(verdict.new_hash, "richtig und lang")).new_hash == ""


async def test_nobody_fits_nobody() -> None:
    """For a user who does not exist the same work is done and nothing fits; nor does a broken hash."""
    passwords = Passwords(WEAK)
    assert not (await passwords.verify(None, "egal")).fits
    assert not (await passwords.verify("no hash at all", "egal")).fits
    assert not (await passwords.verify(await passwords.hash("x"), "x" * 201)).fits


async def test_one_time_passwords_are_readable_and_secret() -> None:
    """Four groups without look-alikes, never the same, and not in a repr that could reach a log."""
    made = {one_time_password() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"([a-hkmnp-z2-9]{4}-){3}[a-hkmnp-z2-9]{4}", one) for one in made)
    issued = await issue_one_time(Passwords(WEAK))
    assert isinstance(issued, Issued)
    assert issued.password not in repr(issued)
