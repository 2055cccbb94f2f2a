"""The product book in force: the shipped one, with the versions that two people of the staff have set up since.

A container reads it at most once a minute, so that no request pays for it. A version that the copy at hand lacks is
looked for once more: another container may have quoted it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby, pairwise
from typing import Any, Final

from functions.core.clock import epoch_ms
from functions.core.errors import (
    ConflictError,
    ForbiddenError,
    IdempotencyKeyReusedError,
    NotFoundError,
    UnavailableError,
)
from functions.core.money import require_currency
from functions.lending.products.book import (
    InvalidProductError,
    ProductBook,
    ProductNotFoundError,
    load_product_book,
    product_from_dict,
    product_to_dict,
    validate_product,
)
from functions.lending.products.plan_product import PlanProduct
from functions.lending.products.schemas import ProductRequest
from functions.lending.products.store import (
    APPROVED,
    PROPOSED,
    SHIPPED,
    ProductItem,
    plan_change,
    plan_new,
    present_product,
    present_product_item,
    read_versions,
    version_name,
)
from functions.platform.container import container
from functions.platform.storage import keys
from functions.platform.storage.outbox import Pending
from functions.platform.storage.transactions import ConditionFailedError, commit
from functions.platform.web.commands import is_replay, remember
from functions.platform.web.context import Call
from functions.platform.web.pagination import page_limit, seal, unseal

CACHED_S: Final = 60.0
_FRESH_S: Final = 1.0
_TRIES: Final = 4
_MAX_VERSION: Final = 999


class SamePersonError(ForbiddenError):
    code, title = "same_person", "The second person must be someone else"


class ProductStateError(ConflictError):
    code, title = "product_state", "The version is approved already"


class EffectiveInPastError(InvalidProductError):
    code, title = "effective_in_past", "A version can't begin before today"


@dataclass(slots=True)
class _Copy:
    read_at: float = float("-inf")
    book: ProductBook | None = None


_copy = _Copy()


def forget() -> None:
    """Drop what this process remembers."""
    _copy.read_at, _copy.book = float("-inf"), None


def product_book() -> ProductBook:
    """The book in force, at most a minute old.

    Raises:
        UnavailableError: Storage did not answer.
    """
    return _book(CACHED_S)


def _book(max_age_s: float) -> ProductBook:
    if _copy.book is None or time.monotonic() - _copy.read_at > max_age_s:
        _copy.book = merged(load_product_book(), [item for item in _stored() if item.status == APPROVED])
        _copy.read_at = time.monotonic()
    return _copy.book


def _stored(*, consistent: bool = False) -> list[ProductItem]:
    return read_versions(container().tables, consistent=consistent)


def find_product(product_id: str, version: int) -> PlanProduct:
    """One version of a product, effective or not.

    Raises:
        ProductNotFoundError: There is none.
        UnavailableError: Storage did not answer.
    """
    try:
        return product_book().get(product_id, version)
    except ProductNotFoundError:
        return _book(_FRESH_S).get(product_id, version)


def merged(book: ProductBook, approved: Iterable[ProductItem]) -> ProductBook:
    """A book with approved versions in it: of two versions of a product, the later one ends the earlier.

    Args:
        book: As shipped.
        approved: Stored versions that count; with none, the book itself.
    """
    added = [item.product() for item in approved]
    if not added:
        return book
    products: list[PlanProduct] = []
    ordered = sorted([*book.products, *added], key=lambda each: (each.id, each.effective_from, each.version))
    for _id, versions in groupby(ordered, key=lambda each: each.id):
        own = list(versions)
        products += [_ended(each, following.effective_from) for each, following in pairwise(own)]
        products.append(own[-1])
    products.sort(key=lambda each: (each.currency, each.plan.term_count, each.id, each.version))
    return ProductBook(tuple(products))


def _ended(product: PlanProduct, on: date) -> PlanProduct:
    return replace(product, effective_to=min(on, product.effective_to or on))


def propose_product(body: ProductRequest, call: Call) -> tuple[dict[str, Any], bool]:
    """Set up a new version of a product, for a second person to approve.

    Returns:
        The version, and whether it is the same one again.

    Raises:
        InvalidProductError: It can't be set up (`ProductAprTooHighError` carries the computed rate).
        InvalidTermsError: Terms, prices or rules are out of range.
        EffectiveInPastError: It would begin before today.
    """
    box, command = container(), call.command()
    require_currency(body.currency)
    for _ in range(_TRIES):
        stored = _stored(consistent=True)
        for item in stored:
            if item.key == command.key.hex():
                if item.body != command.body.hex():
                    raise IdempotencyKeyReusedError
                return present_product_item(item), True
        version = 1 + max(_versions(body.id, stored), default=0)
        if version > _MAX_VERSION:
            raise InvalidProductError(f"a product has at most {_MAX_VERSION} versions")
        product = validate_product(product_from_dict({**body.definition(), "version": version}))
        _require_future(product)
        item = ProductItem(
            pk=keys.PRODUCTS,
            sk=version_name(product.id, version),
            version=1,
            definition=product_to_dict(product),
            status=PROPOSED,
            rate=highest_rate_bps(product),
            reason=body.reason,
            proposed_by=call.who.id,
            proposed_at_ms=epoch_ms(box.clock.now()),
            key=command.key.hex(),
            body=command.body.hex(),
        )
        item.tell(box.clock.now(), call.request_id, Pending("product.proposed"))
        try:
            commit(box.tables, plan_new(item, ConditionFailedError))
        except ConditionFailedError:
            continue
        return present_product_item(item), False
    raise UnavailableError("others propose versions of this product", retry_after_s=1)


def _versions(product_id: str, stored: Iterable[ProductItem]) -> list[int]:
    shipped = [each.version for each in load_product_book().products if each.id == product_id]
    return shipped + [item.definition["version"] for item in stored if item.definition["id"] == product_id]


def _require_future(product: PlanProduct) -> None:
    today = container().clock.now().date()
    if product.effective_from < today:
        raise EffectiveInPastError(
            f"{product.id} would begin on {product.effective_from}, {(today - product.effective_from).days} days ago",
            today=today.isoformat(),
        )


def highest_rate_bps(product: PlanProduct) -> int:
    """The annual rate of its dearest plan of the greatest amount from its first day, by its jurisdiction's method."""
    return product.jurisdiction.cap.rate_bps(product.plan, product.max_amount_minor, product.effective_from)


def approve_product(name: str, call: Call) -> tuple[dict[str, Any], bool]:
    """Let a proposed version count from its first day on.

    Args:
        name: As `version_name` makes it.
        call: Of another person than the one who proposed it.

    Raises:
        NotFoundError: No such proposal.
        SamePersonError: Whoever proposed it can't approve it.
        ProductStateError: It is approved.
        EffectiveInPastError: Its first day has passed meanwhile.
    """
    box, command = container(), call.command()
    for _ in range(_TRIES):
        item: ProductItem | None = box.tables.get(ProductItem, keys.PRODUCTS, name, consistent=True)
        if item is None:
            raise NotFoundError
        if is_replay(item.commands, command):
            return present_product_item(item), True
        if item.status != PROPOSED:
            raise ProductStateError(f"{name} was approved by {item.approved_by}", current_status=item.status)
        if item.proposed_by == call.who.id:
            raise SamePersonError
        _require_future(item.product())
        seen, now = item.version, box.clock.now()
        item.version, item.status = seen + 1, APPROVED
        item.approved_by, item.approved_at_ms = call.who.id, epoch_ms(now)
        item.commands = remember(item.commands, command)
        item.tell(now, call.request_id, Pending("product.approved"))
        try:
            commit(box.tables, plan_change(item, seen))
        except ConditionFailedError:
            continue
        forget()
        return present_product_item(item), False
    raise UnavailableError("the version is busy", retry_after_s=1)


def list_products(call: Call) -> dict[str, Any]:
    """Every version of every product, shipped and stored, by name."""
    box, limit = container(), page_limit(call.query)
    secret = box.secrets.key("cursors")
    start = unseal(secret, keys.PRODUCTS, call.query.get("cursor"))
    after = start["sk"]["S"] if start else ""
    shown = {row["id"]: row for row in [*_shipped(), *(present_product_item(item) for item in _stored())]}
    names = sorted(name for name in shown if name > after)
    last = {"sk": {"S": names[limit - 1]}} if len(names) > limit else None
    return {"data": [shown[name] for name in names[:limit]], "next_cursor": seal(secret, keys.PRODUCTS, last)}


def _shipped() -> list[dict[str, Any]]:
    nobody = dict.fromkeys(("reason", "proposed_by", "proposed_at", "approved_by", "approved_at"))
    return [
        present_product(product_to_dict(each), highest_rate_bps(each)) | {"status": SHIPPED, **nobody}
        for each in load_product_book().products
    ]
