"""By whose certificates a service is believed: those that were named, else the machine's."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMED = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")  # in this order


def trusted(env: Mapping[str, str]) -> str | bool:
    """Return what `verify` of requests is to be: a file or a folder, or True for the authorities that it brings.

    That is what the environment names; else where the machine's OpenSSL looks, if there is anything.
    """
    for name in _NAMED:
        if env.get(name):
            return env[name]
    places = ssl.get_default_verify_paths()
    if places.cafile:
        return places.cafile
    if places.capath and any(Path(places.capath).glob("*.0")):  # an empty folder is there without any certificates
        return places.capath
    return True
