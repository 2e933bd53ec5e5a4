"""The scan in `make lint` finds what it is for, and this repository holds none of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from catalog import tokens
from tests.processes import ROOT

SCAN = ROOT / ".ci" / "secret-scan"


def scanned(*names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCAN, *names], check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tokens.new_token(), "an access token of ours"),
        (f'TOKEN="{tokens.new_token(tokens.NODE_PREFIX, "n")}"', "an access token of ours"),
        ("-----BEGIN " + "RSA PRIVATE KEY-----\n" + "A" * 64, "a private key"),
        ("AKIA" + "Q" * 16, "an AWS key"),
        ("postgres://user:" + "s3cretpassword@db/x", "a password in an address"),
    ],
    ids=["access token", "node token", "private key", "AWS key", "password"],  # tokens differ in every process
)
def test_a_secret_is_named_with_its_line(tmp_path, content, words):
    file = tmp_path / "notes.txt"
    file.write_text(f"first\n{content}\n")

    told = scanned(str(file))

    assert told.returncode == 1
    assert told.stdout == f"{file}:2: {words}\n"


def test_what_only_looks_like_a_token_is_none(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("hf_" + "a" * 40)

    assert scanned(str(file)).returncode == 0


def test_no_tracked_file_holds_a_secret():
    told = scanned()

    assert (told.returncode, told.stdout) == (0, "")
