"""What must hold before the first of our modules is imported: no real account, and an app that can be built twice.

stand_apart()                                    # pytest does so, and make bench
"""

from __future__ import annotations

import os
from typing import Any, Final

_FAKE: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_SERVICE_NAME": "whitenote",
    "POWERTOOLS_METRICS_NAMESPACE": "Whitenote",
}
_REAL_ACCOUNT: Final = ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")


def stand_apart() -> None:
    """Nothing here may reach a real account, whatever the shell that started us knows."""
    for name in [n for n in os.environ if n in _REAL_ACCOUNT or n.startswith("WHITENOTE_")]:
        del os.environ[name]
    os.environ.update(_FAKE)
    _let_blueprints_register_again()


def _let_blueprints_register_again() -> None:
    """Chalice uses up a route's arguments as it registers it: a second app would get a GET without authorizer."""
    from chalice.app import Chalice

    original = Chalice._register_route

    def register_route(self: Any, *, kwargs: dict[str, Any], **rest: Any) -> None:
        original(self, kwargs={**kwargs, "kwargs": dict(kwargs["kwargs"])}, **rest)

    Chalice._register_route = register_route
