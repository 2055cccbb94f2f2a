"""A merchant's QR code, for a screen or a sticker: EMVCo payload, SVG and PNG."""

from __future__ import annotations

import base64
import io
from typing import Any, Final

from functions.checkout.instore.emvco import MerchantQr, build
from functions.checkout.instore.schemas import QrRequest
from functions.core.money import require_currency
from functions.merchants.service import get_merchant
from functions.platform.web.context import Call

CATEGORY_CODES: Final = {
    "electronics": "5732",
    "appliances": "5722",
    "education": "8299",
    "travel": "4722",
    "health": "8099",
}
"""Merchant category codes of ISO 18245 for the scenarios."""
_CORRECTION: Final = "m"
_NAME_CHARACTERS, _CITY_CHARACTERS = 25, 15
_UNNAMED: Final = "MERCHANT"


def make_qr(body: QrRequest, call: Call) -> dict[str, Any]:
    """Draw a code that names the merchant and, if dynamic, the amount.

    Raises:
        CurrencyNotAcceptedError, AmountOverLimitError, MerchantNotLiveError: The merchant may not sell so.
        QrCurrencyError: The currency has no number in such codes.
    """
    import segno

    require_currency(body.currency)
    merchant = get_merchant(call.who.id)
    category = merchant.categories[0]
    merchant.require_sells(body.currency, category, body.amount_minor or 0)
    # the standard's name is ASCII; where the merchant's own has none of it, the local name beside it says who it is
    name = "".join(c for c in merchant.name if c.isascii())[:_NAME_CHARACTERS].strip() or _UNNAMED
    payload = build(
        MerchantQr(
            merchant_id=merchant.id,
            name=name,
            city=body.city or merchant.zone.rpartition("/")[2].replace("_", " ")[:_CITY_CHARACTERS],
            country=merchant.country,
            category=CATEGORY_CODES[category],
            currency=body.currency,
            amount_minor=body.amount_minor,
            reference=body.reference,
            terminal=body.terminal_id,
            local_name=None if merchant.name.isascii() else merchant.name[:_NAME_CHARACTERS],
        )
    )
    symbol = segno.make(payload, error=_CORRECTION, micro=False)
    png = io.BytesIO()
    symbol.save(png, kind="png", scale=body.scale)
    return {
        "object": "qr",
        "kind": body.kind,
        "payload": payload,
        "svg": symbol.svg_inline(scale=body.scale),
        "png_base64": base64.b64encode(png.getvalue()).decode(),
    }
