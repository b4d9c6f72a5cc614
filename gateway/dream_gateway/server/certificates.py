"""Certificates and their keys: read from files, judged, and made into what a listener speaks TLS by.

The supervisor reads them, and gives them to its workers: so a file that is being replaced, or that is
damaged, is nobody's trouble until the gateway is told to reload.
"""

from __future__ import annotations

import os
import ssl
import stat
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec

from dream_gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dream_gateway.settings import Settings

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Those of TLS 1.2: forward secrecy and authenticated encryption, or nothing (RFC 9325 4.2)."""

PROTOCOLS = ("http/1.1",)
"""What is offered by ALPN (RFC 7301)."""

_REASONS = {
    "KEY_VALUES_MISMATCH": "{key} is not the key of {certificate}.",
    "KEY_TYPE_MISMATCH": "{key} is not the key of {certificate}.",
    "EE_KEY_TOO_SMALL": "{certificate} has a key too short to be safe.",
    "CA_MD_TOO_WEAK": "{certificate} is signed by a hash too weak to be safe.",
}
_UNREADABLE = "{key} holds no private key in PEM."


class Pair(msgspec.Struct, frozen=True):
    """A certificate chain and its private key, in PEM."""

    certificate: bytes
    key: bytes
    exposed: bool = False
    """Whether every user of the machine could read the key where it came from."""

    def __repr__(self) -> str:
        """Return nothing of the key."""
        return "Pair(...)"


class Place(msgspec.Struct, frozen=True):
    """Where a listener's pair is, by the names and values of two settings."""

    certificate_setting: str
    key_setting: str
    certificate: str
    key: str

    @property
    def words(self) -> dict[str, str]:
        """How the two are called in what is told."""
        return {
            "certificate": f"{self.certificate_setting} {self.certificate}",
            "key": f"{self.key_setting} {self.key}",
        }


def places(settings: Settings) -> tuple[Place, Place]:
    """Return where the pairs of the edge and of the service are."""
    names = ("tls_certificate", "tls_key"), ("service_tls_certificate", "service_tls_key")
    edge, service = (
        Place(certificate, key, getattr(settings, certificate), getattr(settings, key))
        for certificate, key in names
    )
    return edge, service


def read_pair(place: Place) -> Pair | None:
    """Return the pair at a place, `None` if none is set.

    Raises `ConfigurationError` for one that cannot be served with, which names the file.
    """
    if not place.certificate and not place.key:
        return None
    if not place.certificate or not place.key:
        both = f"{place.certificate_setting} and {place.key_setting}"
        raise ConfigurationError(f"{both} go together, and only one of them is set.")
    certificate, _ = _read(place.words["certificate"], place.certificate)
    key, mode = _read(place.words["key"], place.key)
    pair = Pair(certificate, key, exposed=bool(mode & stat.S_IROTH))
    _expiry(place, pair)
    server_context(pair, place)
    return pair


def worries(place: Place, pair: Pair, now: float) -> Iterator[str]:
    """Yield what keeps nobody from serving with a pair, and should be set right."""
    begins, ends = _expiry(place, pair)
    moment = datetime.fromtimestamp(now, UTC)
    if moment >= ends:
        yield f"{place.words['certificate']} expired at {ends.isoformat()}; clients refuse it"
    elif moment < begins:
        yield f"{place.words['certificate']} is not valid until {begins.isoformat()}"
    if pair.exposed:
        yield f"{place.words['key']} can be read by every user of this machine; chmod o-r it"


def server_context(pair: Pair, place: Place | None = None) -> ssl.SSLContext:
    """Return what a listener speaks TLS by. Raises `ConfigurationError` if it cannot with this pair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(list(PROTOCOLS))
    words = place.words if place else {"certificate": "The certificate", "key": "The key"}

    def refuse() -> NoReturn:
        raise ConfigurationError(
            f"{words['key']} is encrypted, and nobody is asked for a passphrase."
        )

    try:
        with _as_file(pair.certificate) as certificate, _as_file(pair.key) as key:
            context.load_cert_chain(certificate, key, password=refuse)
    except ssl.SSLError as error:
        why = _REASONS.get(error.reason, _UNREADABLE)
        raise ConfigurationError(why.format(**words)) from error
    return context


def _read(name: str, path: str) -> tuple[bytes, int]:
    """Return what is in a file, and the mode of that very file, whatever is there afterwards."""
    try:
        with Path(path).open("rb") as file:
            return file.read(), os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}.") from error


def _expiry(place: Place, pair: Pair) -> tuple[datetime, datetime]:
    """Return from when until when the certificate is valid."""
    from cryptography import x509  # noqa: PLC0415 - slow, and for those alone who speak TLS

    try:
        found = x509.load_pem_x509_certificates(pair.certificate)[0]
    except ValueError as error:
        raise ConfigurationError(
            f"{place.words['certificate']} holds no certificate in PEM."
        ) from error
    return found.not_valid_before_utc, found.not_valid_after_utc


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """Yield the path of a file with this content, as OpenSSL wants it; in memory if there are such."""
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("tls"), "wb") as file:
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile() as named:
            named.write(content)
            named.flush()
            yield named.name
