"""Whether a downloaded record is what this hub signed, and files beside it what the run sent.

Needs neither database nor network: records, keys and outputs are files by now. `docs/evaluation.md` has the same check
in 30 lines for people who do not trust this code.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evaluation.signing import key_id_of

Json = Mapping[str, Any]
READ_AT_ONCE: Final = 1024 * 1024


def problem_of(record: Json, keys: Sequence[Json]) -> str | None:
    """What is wrong with a record, as one sentence; None where its signature holds.

    Args:
        record: as `/api/v1/runs/{id}/record` gives it.
        keys: as `/.well-known/marketplace-keys.json` lists them.
    """
    body, signature, key_id = (record.get(name) for name in ("body", "signature", "key_id"))
    if not (isinstance(body, str) and isinstance(signature, str) and isinstance(key_id, str)):
        return "The file is no record: it needs 'body', 'signature' and 'key_id'."
    try:
        public = {key_id_of(raw): raw for key in keys if (raw := base64.b64decode(str(key.get("public_key", ""))))}
        Ed25519PublicKey.from_public_bytes(public[key_id]).verify(bytes.fromhex(signature), body.encode())
        json.loads(body)
    except KeyError:
        return f"The record is signed with the key {key_id}, which is not among the keys of this hub."
    except InvalidSignature:
        return "The record or its signature was changed after it was signed."
    except ValueError:
        return "The signature, a key or the body is not of the promised form."
    return None


def changed_outputs(record: Json, folder: Path) -> tuple[list[str], list[str]]:
    """Names of the outputs in `folder` that are not what the record says, and of those that are not there."""
    named: dict[str, str] = json.loads(record["body"])["result"]["outputs"]
    missing = [name for name in named if not (folder / name).is_file()]
    here = [name for name in named if name not in missing]
    return [name for name in here if _sha256(folder / name) != named[name]], missing


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(READ_AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()
