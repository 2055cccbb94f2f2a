"""The parties of an order, from what merchant and customer say of them (functions/payments/parties.py)."""

from __future__ import annotations

from functions.checkout.schemas import Address, Device, Place
from functions.payments.parties import Parties, address_hash, party_hash
from functions.platform.container import container
from functions.risk.measures.places import cell_of


def parties_told(
    *,
    device: Device | None = None,
    address: Address | None = None,
    instrument: str | None = None,
    shop: str | None = None,
    place: Place | None = None,
    of: str = "",
) -> Parties:
    """What was told, as keyed hashes and a coarse cell; from here on nobody knows more.

    Args:
        device: As the merchant or the customer's own app names it.
        address: Where the goods go.
        instrument: What the customer repays with, as repayments name it.
        shop: The merchant's name for its shop or till.
        place: Where the shopper is, or the till.
        of: The merchant's id: two merchants' tills of one name are two tills.
    """
    secret = container().secrets.key("parties")
    where = None
    if address is not None:
        where = address_hash(secret, (address.country, address.postal_code, address.city, address.line1, address.line2))
    return Parties(
        device=party_hash(secret, "device", device.id) if device else None,
        address=where,
        instrument=party_hash(secret, "instrument", instrument) if instrument else None,
        shop=party_hash(secret, "shop", of, shop) if shop else None,
        device_flagged=bool(device and device.tampered),
        cell=cell_of(place.latitude, place.longitude) if place else None,
    )
