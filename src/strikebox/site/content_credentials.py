"""C2PA manifests, "content credentials": signed statements inside a picture's file of how it was made.

Without thumbnails, which would be larger than our pictures. Without a time stamp of an authority, since that
would mean a call to somebody else's server for every picture.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import c2pa  # pyright: ignore[reportMissingTypeStubs]

from strikebox import png
from strikebox.errors import ProvenanceError
from strikebox.site.certificate import Credentials

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's name for what a trained model made."""

Validity = Literal["changed", "untrusted", "trusted"]

_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
_UNTRUSTED = "signingCredential.untrusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a manifest says, and whether it can be believed."""

    validity: Validity  # changed: since it was signed; untrusted: nobody known vouches for the signer
    signer: str | None  # as the certificate names it
    generator: str | None  # the program that made the claim
    actions: tuple[str, ...]  # c2pa.created, ...
    generated: bool  # whether it says that a trained model made the picture
    problems: tuple[str, ...]  # what is wrong with it, as C2PA names it


@final
class Signer:
    """Signs pictures with one set of credentials. For one thread."""

    def __init__(self, credentials: Credentials) -> None:
        """Raises ProvenanceError where C2PA does not take the certificate."""
        self.credentials = credentials
        info = c2pa.C2paSignerInfo(
            credentials.algorithm, credentials.chain.encode(), credentials.key.encode(), None
        )
        settings = c2pa.Settings.from_json(json.dumps({"builder": {"thumbnail": {"enabled": False}}}))
        try:
            self._context = c2pa.Context(settings, c2pa.Signer.from_info(info))
        except c2pa.C2paError as error:
            raise _cannot_sign(error) from None

    def sign(self, picture: bytes, *, title: str, actions: tuple[str, ...] = ()) -> bytes:
        """The PNG `picture` with a manifest: a trained model created it, and then `actions` were done.

        Nothing of the file may be changed afterwards. Raises ProvenanceError.
        """
        signed = io.BytesIO()
        try:
            builder = c2pa.Builder(json.dumps(_manifest(title, actions)), self._context)
            builder.sign("image/png", io.BytesIO(picture), signed)
        except c2pa.C2paError as error:
            raise _cannot_sign(error) from None
        return signed.getvalue()


def read(file: bytes, roots: str | None = None) -> Claim | None:
    """The claim in a PNG, JPEG or WebP file; None where there is none.

    `roots`: PEM certificates that are trusted. Raises ProvenanceError where the manifest cannot be read.
    """
    kind = next((kind for start, kind in _TYPES.items() if file.startswith(start)), None)
    if kind is None:
        return None
    trust = {"verify": {"verify_trust": True}, "trust": {"user_anchors": roots} if roots else {}}
    try:
        context = c2pa.Context(c2pa.Settings.from_json(json.dumps(trust)))
        reader = c2pa.Reader.try_create(kind, io.BytesIO(file), context=context)
        if reader is None:
            return None
        with reader:
            return _claim(json.loads(reader.json()))
    except c2pa.C2paError as error:
        reason = " ".join(str(error).split())
        raise ProvenanceError(f"its content credentials cannot be read ({reason})") from None


def _claim(store: Mapping[str, Any]) -> Claim:
    """Of what C2PA reads: manifests, which of them is active, and what was found when it was checked."""
    manifest: Mapping[str, Any] = store.get("manifests", {}).get(store.get("active_manifest"), {})
    found: list[Any] = store.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
    problems = dict.fromkeys(str(one["code"]) for one in found if one["code"] != _UNTRUSTED)
    state = store.get("validation_state")
    valid: Validity = "trusted" if state == "Trusted" else "untrusted"
    actions = _actions(manifest)
    return Claim(
        validity=valid if state in ("Valid", "Trusted") else "changed",
        signer=manifest.get("signature_info", {}).get("common_name"),
        generator=_generator(manifest),
        actions=tuple(str(action.get("action")) for action in actions),
        generated=any(action.get("digitalSourceType") == GENERATED for action in actions),
        problems=tuple(problems),
    )


def _generator(manifest: Mapping[str, Any]) -> str | None:
    programs: list[Mapping[str, Any]] = manifest.get("claim_generator_info", [])
    if not programs:
        return None
    return " ".join(str(programs[0][key]) for key in ("name", "version") if key in programs[0])


def _actions(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    assertions: list[Mapping[str, Any]] = manifest.get("assertions", [])
    return [
        action
        for assertion in assertions
        if str(assertion.get("label")).startswith("c2pa.actions")
        for action in assertion.get("data", {}).get("actions", [])
    ]


def _manifest(title: str, actions: tuple[str, ...]) -> dict[str, object]:
    program = {"name": "strikebox", "version": png.program_version()}
    created = {"action": "c2pa.created", "digitalSourceType": GENERATED, "softwareAgent": program}
    data = {"actions": [created, *({"action": action} for action in actions)]}
    return {
        "title": title,
        "format": "image/png",
        "claim_generator_info": [program],
        "assertions": [{"label": "c2pa.actions.v2", "data": data}],
    }


def _cannot_sign(error: Exception) -> ProvenanceError:
    reason = " ".join(str(error).split())
    return ProvenanceError(
        f"pictures cannot be signed: {reason}; mend provenance.certificate and provenance.key, or remove both"
    )
