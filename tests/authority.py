"""An authority made for these tests, and its certificate of loopback."""

from __future__ import annotations

import datetime as dt
import ipaddress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_FOLDERS: list[TemporaryDirectory[str]] = []  # made when needed: a process that is to be killed leaves none


@cache
def certificates() -> tuple[Path, Path, Path]:
    """Make an authority and a certificate of it for loopback; return the files of the first, the second and its key."""
    start = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("tests", "loopback")]
    made = []
    for number, extensions in enumerate((_OF_AUTHORITY, _OF_SERVER)):
        builder = x509.CertificateBuilder(
            issuer_name=names[0],
            subject_name=names[number],
            public_key=keys[number].public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=start,
            not_valid_after=start + dt.timedelta(days=30),
        )
        for extension, is_critical in extensions:
            builder = builder.add_extension(extension, is_critical)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(keys[number].public_key()), critical=False
        )
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key())
        made.append(builder.add_extension(issuer, critical=False).sign(keys[0], hashes.SHA256()))
    _FOLDERS.append(TemporaryDirectory(prefix="release-authority-"))
    folder = Path(_FOLDERS[0].name)
    places = folder / "ca.pem", folder / "server.pem", folder / "key.pem"
    pem = serialization.Encoding.PEM
    places[0].write_bytes(made[0].public_bytes(pem))
    places[1].write_bytes(made[1].public_bytes(pem))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    places[2].write_bytes(keys[1].private_bytes(pem, *plain))
    return places


_OF_AUTHORITY: tuple[tuple[x509.ExtensionType, bool], ...] = (
    (x509.BasicConstraints(ca=True, path_length=0), True),
    (
        x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        ),
        True,
    ),
)
_OF_SERVER: tuple[tuple[x509.ExtensionType, bool], ...] = (
    (x509.BasicConstraints(ca=False, path_length=None), True),
    (
        x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
        False,
    ),
)
