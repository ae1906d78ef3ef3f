"""Turns targets into requests ready to post: address read and checked, message encrypted. Runs in a thread.

It touches no event loop and no state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from channels.webpush_crypto import encrypt
from channels.webpush_subscription import DamagedAddressError, origin_of, read_address
from realis.delivery import Failed, FailureKind
from realis.egress_policy import Policy, check_url
from realis.errors import InvalidInput
from realis.ports import Target


@dataclass(frozen=True, slots=True)
class Sealed:
    """One encrypted push, and where it goes."""

    endpoint: str
    host: str
    origin: str
    body: bytes


def seal(record: bytes, targets: Sequence[Target], policy: Policy) -> list[Sealed | Failed]:
    """Each target's request, in order, or why there can be none.

    Args:
        record: what ``padded`` made; the same for all.
    """
    return [_seal(record, target, policy) for target in targets]


def _seal(record: bytes, target: Target, policy: Policy) -> Sealed | Failed:
    try:
        subscription = read_address(target.address)
        url = check_url(subscription.endpoint, policy)
    except DamagedAddressError:
        return Failed(FailureKind.REJECTED, "gespeicherte Anmeldung ist unlesbar")
    except InvalidInput as refused:
        return Failed(FailureKind.REJECTED, f"Adresse gesperrt: {refused.message}")
    body = encrypt(record, subscription.receiver)
    return Sealed(subscription.endpoint, (url.raw_host or "").lower(), origin_of(url), body)
