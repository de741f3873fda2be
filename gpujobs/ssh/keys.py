"""Whom we connect to and with which keys: pinned host keys, our own key files of any type."""

import base64
import binascii
import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    SSHPrivateKeyTypes,
    load_pem_private_key,
    load_ssh_private_key,
)

from gpujobs.ssh.errors import KeyUnusable

# An RSA key of one type signs with several algorithms; a host offers these, never the type's own name.
SIGNATURES: Final = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


@dataclass(frozen=True, kw_only=True)
class Target:
    """One account on one host.

    `host_key` is the pinned key as in known_hosts without the host: "ssh-ed25519 AAAA...".
    Our own key is the text `private_key`, or lies at `key_path`.
    With `jump`, the connection goes through that host, which is pinned and logged into in the same way.
    """

    address: str
    port: int
    username: str
    host_key: str
    key_path: str = ""
    private_key: str = field(default="", repr=False)
    passphrase: str | None = field(default=None, repr=False)
    jump: "Target | None" = None

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


def parse_host_key(host_key: str) -> tuple[str, bytes]:
    """(type, key bytes) of "ssh-ed25519 AAAA... [comment]". ValueError where it is no such line."""
    words = host_key.split()
    if len(words) < 2:
        raise ValueError("a host key is a type and a base64 text, as in known_hosts without the host")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except binascii.Error as error:
        raise ValueError("the second word of a host key is base64") from error
    # The blob repeats the type, length first; a line whose two halves disagree was pasted together.
    if blob[4 : 4 + int.from_bytes(blob[:4], "big")] != words[0].encode():
        raise ValueError("the type of a host key does not match its base64 text")
    return words[0], blob


def fingerprint(host_key: str) -> str:
    """The fingerprint of a host key as ssh-keygen prints it: "SHA256:...". ValueError as parse_host_key."""
    return fingerprint_of(parse_host_key(host_key)[1])


def fingerprint_of(blob: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def key_of(target: Target) -> paramiko.PKey:
    """Our key for a host. KeyUnusable says what is wrong with it."""
    if target.private_key:
        return _read(target.private_key.encode(), "the private key of the environment", target.passphrase)
    return load_private_key(target.key_path, target.passphrase)


def load_private_key(path: str, passphrase: str | None) -> paramiko.PKey:
    """Our key from `path`. KeyUnusable says what is wrong with it."""
    try:
        data = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise KeyUnusable(f"the key file {path} cannot be read: {error.strerror or error}") from error
    return _read(data, f"the key file {path}", passphrase)


def _read(data: bytes, what: str, passphrase: str | None) -> paramiko.PKey:
    """A key of whatever type and format it is.

    paramiko 5.1 reads no locked key whose passphrase is a str, and takes a key without comment for an empty one
    wherever its length happens to need no padding: cryptography reads the file, and writes it anew for paramiko.
    """
    try:
        key = _unlock(data, what, passphrase)
        plain = io.StringIO(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode())
        match key:
            case Ed25519PrivateKey():
                return paramiko.Ed25519Key.from_private_key(plain)
            case RSAPrivateKey():
                return paramiko.RSAKey.from_private_key(plain)
            case EllipticCurvePrivateKey():
                return paramiko.ECDSAKey.from_private_key(plain)
        raise ValueError("no host accepts keys of this type any more")
    except (ValueError, TypeError, UnsupportedAlgorithm, paramiko.SSHException) as error:
        raise KeyUnusable(f"{what} is no private key of ours, or its passphrase is another") from error


def _unlock(data: bytes, what: str, passphrase: str | None) -> SSHPrivateKeyTypes:
    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else load_pem_private_key
    try:
        return cast(SSHPrivateKeyTypes, load(data, passphrase.encode() if passphrase else None))
    except TypeError as error:
        # Locked without a passphrase, or a passphrase without a lock; the second does no harm.
        if not passphrase:
            raise KeyUnusable(f"{what} needs a passphrase and none is set") from error
        return cast(SSHPrivateKeyTypes, load(data, None))
