"""Where a token may be sent: https addresses that end in ``/api/``, and http to this machine itself."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from blin_pipeline.errors import ConfigurationError


def checked_url(url: str) -> str:
    """The address, if a token may be sent there.

    Raises:
        ConfigurationError: ``E_URL``: not https (http is for loopback only), credentials in it, or not ending in ``/api/``.
    """
    problem = ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        problem = "is not an address"
    else:
        if parts.scheme not in {"https", "http"} or not host:
            problem = "is not an https address"
        elif parts.scheme == "http" and not _is_this_machine(host):
            problem = "is not https; the token would travel in the clear"
        elif parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            problem = "holds more than a host and a path"
        elif not parts.path.endswith("/api/"):
            problem = "does not end in /api/"
    if problem:
        raise ConfigurationError(
            "E_URL", f"The REDCap address {problem}.", fix="It looks like https://redcap.example.org/api/."
        )
    return url


def is_loopback(url: str) -> bool:
    """Whether a checked address is one of this machine itself."""
    return _is_this_machine(urlsplit(url).hostname or "")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
