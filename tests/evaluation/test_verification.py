"""A downloaded record, checked by our command and by the script of the documentation, run as it stands there."""

import base64
import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command

from evaluation import signing
from tests.evaluation import arrangement

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).parents[2] / "docs" / "evaluation.md"


@pytest.fixture
def downloads(raw_client, tmp_path):
    """What somebody saved: record.json, keys.json, predictions.jsonl."""
    run = arrangement.scored(wrong=3)
    for name, path in {
        "record.json": f"/api/v1/runs/{run.pk}/record",
        "keys.json": "/.well-known/marketplace-keys.json",
        "predictions.jsonl": f"/api/v1/runs/{run.pk}/outputs/predictions.jsonl",
    }.items():
        answer = raw_client.get(path)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    (found,) = [
        block for block in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL) if "verify.py" in block
    ]
    assert len(found.strip().splitlines()) <= 36
    path = tmp_path_factory.mktemp("docs") / "verify.py"
    path.write_text(found)
    return path


def by_script(script, folder):
    command = [sys.executable, "-I", str(script), "record.json", "keys.json", "predictions.jsonl"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def by_command(folder):
    said = StringIO()
    call_command(
        "verify_record",
        str(folder / "record.json"),
        "--keys",
        str(folder / "keys.json"),
        "--outputs",
        str(folder),
        stdout=said,
    )
    return said.getvalue()


def test_an_untouched_record_is_genuine(downloads, script):
    alone = by_script(script, downloads)

    assert alone.returncode == 0, alone.stderr
    assert "accuracy 0.994" in alone.stdout
    said = by_command(downloads)
    assert "is genuine" in said
    assert "accuracy 0.994" in said
    assert "the run sent" in said


def with_better_score(record):
    return record | {"body": record["body"].replace('"value":0.99', '"value":1.00', 1)}


def with_one_byte_changed(record):
    return record | {"body": record["body"][:-2] + " }"}


def with_other_signature(record):
    return record | {"signature": "00" + record["signature"][2:]}


def with_unknown_key(record):
    return record | {"key_id": "0" * 16}


@pytest.mark.parametrize(
    "spoil",
    [with_better_score, with_one_byte_changed, with_other_signature, with_unknown_key],
    ids=lambda one: one.__name__,
)
def test_a_changed_byte_of_the_record_breaks_it(downloads, script, spoil):
    path = downloads / "record.json"
    before = json.loads(path.read_text())
    path.write_text(json.dumps(spoil(before)))
    assert json.loads(path.read_text()) != before

    assert by_script(script, downloads).returncode == 1
    with pytest.raises(CommandError):
        by_command(downloads)


def test_a_changed_byte_of_the_predictions_breaks_it(downloads, script):
    path = downloads / "predictions.jsonl"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)

    alone = by_script(script, downloads)

    assert (alone.returncode, alone.stderr.strip()) == (1, "predictions.jsonl is not what was scored")
    with pytest.raises(CommandError, match=r"Not what the run sent: predictions\.jsonl"):
        by_command(downloads)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"body": 1}', '{"body": "{}", "signature": "xy", "key_id": "1"}'])
def test_what_is_no_record_is_told_so(downloads, content):
    (downloads / "record.json").write_text(content)

    with pytest.raises(CommandError):
        by_command(downloads)


def test_after_a_rotation_old_and_new_records_are_genuine(downloads, settings, raw_client, script):
    before = signing.public_keys()
    fresh, retired = signing.new_key()
    settings.RECORD_KEY, settings.RETIRED_RECORD_KEYS = fresh, [retired]

    newer = arrangement.scored().record
    keys = raw_client.get("/.well-known/marketplace-keys.json")
    (downloads / "keys.json").write_bytes(keys.content)

    assert by_script(script, downloads).returncode == 0  # the record of before, with the keys of now
    assert signing.is_genuine(newer.body, signing.Signature(newer.signature, newer.key_id))
    listed = keys.json()["keys"]
    assert listed[0]["id"] == newer.key_id != before[0]["id"]
    assert {key["id"]: key["status"] for key in listed} == {newer.key_id: "current", before[0]["id"]: "retired"}


def test_a_key_that_is_no_longer_listed_signs_nothing(settings):
    record = arrangement.scored().record
    stranger = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
    settings.RECORD_KEY = settings.SIGNING_KEY = stranger

    assert not signing.is_genuine(record.body, signing.Signature(record.signature, record.key_id))


def test_a_key_that_leaked_counts_no_longer_once_it_leaves_the_list(settings):
    record = arrangement.scored().record
    fresh, leaked = signing.new_key()
    settings.RECORD_KEY, settings.RETIRED_RECORD_KEYS = fresh, [leaked]
    assert signing.is_genuine(record.body, signing.Signature(record.signature, record.key_id))

    settings.RETIRED_RECORD_KEYS = []  # SIGNING_KEY stays, and it is the one that leaked

    assert not signing.is_genuine(record.body, signing.Signature(record.signature, record.key_id))
    assert [key["status"] for key in signing.public_keys()] == ["current"]


def test_the_command_of_an_embedded_site_writes_the_new_key_down(settings, tmp_path):
    settings.DATA_DIR, settings.IS_EMBEDDED = tmp_path, True
    before = signing.public_keys()[0]["public_key"]

    call_command("rotate_record_key", stdout=StringIO())

    written = (tmp_path / "secrets" / "record_key").read_text()
    assert len(base64.b64decode(written)) == 32
    assert (tmp_path / "secrets" / "retired_record_keys").read_text().split() == [before]
    assert (tmp_path / "secrets" / "record_key").stat().st_mode & 0o077 == 0


def test_elsewhere_it_says_what_to_set(settings):
    settings.IS_EMBEDDED = False
    said = StringIO()

    call_command("rotate_record_key", stdout=said)

    assert "RECORD_KEY=" in said.getvalue()
    assert signing.public_keys()[0]["public_key"] in said.getvalue()
