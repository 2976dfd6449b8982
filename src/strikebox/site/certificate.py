"""The certificate and key that a site signs its pictures with.

Where the operator gives none, a site makes its own: a root that signs nothing else, and under it one
certificate for claims. Nobody vouches for such a root: it proves that a picture was not changed since it was
signed, and that two pictures were signed by one installation, but not who runs that. Verifiers call it
untrusted, and so do we.
"""

import datetime
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from strikebox import files
from strikebox.errors import ProvenanceError

_YEARS = 10
_CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")  # c2pa-kp-claimSigning
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a picture is signed with."""

    chain: str  # PEM, the certificate that signs first, then those that vouch for it
    key: str  # PEM, PKCS 8, not encrypted
    algorithm: str  # as C2PA names it: es256, ps256, ed25519
    name: str  # of whom the certificate names
    own: bool  # True: made by this installation, and nobody else vouches for it
    expires: datetime.datetime  # UTC


def read(chain: Path, key: Path) -> Credentials:
    """What an operator gives. Raises ProvenanceError where a file is malformed, expired or of another key."""
    return _credentials(chain, key, own=False)


def own(folder: Path, name: str) -> Credentials:
    """What this installation keeps in `folder`, made there where it is missing, for `name`.

    Raises ProvenanceError where it is damaged, StoreError where it cannot be written.
    """
    chain, key = folder / "certificate.pem", folder / "key.pem"
    if not chain.exists():
        _make(chain, key, name)
    return _credentials(chain, key, own=True)


def _make(chain: Path, key: Path, name: str) -> None:
    """The key of the root is forgotten, so that nothing else can be made under it."""
    files.make_folder(chain.parent)
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, leaf_name = _name(f"{name} (root of this installation)"), _name(name)
    root = _signed(_base(root_name, root_name, root_key.public_key(), root_key, is_root=True), root_key)
    leaf = _signed(_base(leaf_name, root_name, leaf_key.public_key(), root_key, is_root=False), root_key)
    pem = leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_secret(key, pem)
    # Last, so that a certificate that is there has its key.
    files.write(chain, b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (leaf, root)))


def _base(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    root: ec.EllipticCurvePrivateKey,
    *,
    is_root: bool,
) -> x509.CertificateBuilder:
    """What C2PA's certificate profile asks for: uses, purposes, key identifiers."""
    now = datetime.datetime.now(datetime.UTC)
    above = x509.SubjectKeyIdentifier.from_public_key(root.public_key())
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=0 if is_root else None), critical=True)
        .add_extension(_uses(is_root), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False)
    )
    if is_root:
        return built
    purposes = [ExtendedKeyUsageOID.EMAIL_PROTECTION, _CLAIM_SIGNING]
    return built.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)


def _signed(built: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    return built.sign(key, hashes.SHA256())


def _name(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
        ]
    )


def _uses(is_root: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_root,
        crl_sign=is_root,
        encipher_only=False,
        decipher_only=False,
    )


def _write_secret(path: Path, data: bytes) -> None:
    """Readable by this user alone from its first moment."""
    before = os.umask(0o077)
    try:
        files.write(path, data)
    finally:
        os.umask(before)


def _credentials(chain: Path, key: Path, *, own: bool) -> Credentials:
    chain_pem, key_pem = files.read(chain), files.read(key)
    try:
        certificates = x509.load_pem_x509_certificates(chain_pem)
    except ValueError:
        raise ProvenanceError(
            f"{chain}: holds no PEM certificates; give the chain, the signing one first"
        ) from None
    try:
        private = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError):
        raise ProvenanceError(f"{key}: is no PEM private key without a password; give one") from None
    signing = certificates[0]
    if signing.public_key() != private.public_key():
        raise ProvenanceError(
            f"{key}: is not the key of the first certificate in {chain}; give the one that is"
        )
    _check_dates(signing, chain)
    pkcs8 = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Credentials(
        chain=chain_pem.decode(),
        key=pkcs8.decode(),
        algorithm=_algorithm(private, key),
        name=_common_name(signing),
        own=own,
        expires=signing.not_valid_after_utc,
    )


def _check_dates(certificate: x509.Certificate, path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
        raise ProvenanceError(
            f"{path}: is not valid now (until {until}); renew it, or set this machine's clock"
        )


def _algorithm(key: object, path: Path) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    raise ProvenanceError(f"{path}: C2PA knows no such key; give one of P-256, P-384, P-521, Ed25519 or RSA")


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
