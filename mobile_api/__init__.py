"""The citizen's phone: JSON API, pages, installable web app, micro-courses. ``register`` is the way in."""

from mobile_api.deps import Deps
from mobile_api.registration import error_page, register

__all__ = ["Deps", "error_page", "register"]
