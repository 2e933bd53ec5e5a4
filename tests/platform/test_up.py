"""`manage.py up` as a script sees it: its lines, its exit codes, and what it leaves behind."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from marketplace.embedded.problems import CannotStart
from marketplace.up import checks
from tests.processes import ROOT, free_port
from tests.up import PATIENCE_SECONDS, Up, clean_environment, get, processes_of


@pytest.fixture(scope="module")
def data_dir():
    with tempfile.TemporaryDirectory(prefix="mm-up-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@pytest.fixture(scope="module")
def site(data_dir):
    """One `up` for the tests of a running site; the last of them stops it."""
    up = Up(data_dir)
    try:
        up.wait_for_line("ready ")
        yield up
    finally:
        if up.process.poll() is None:
            up.stop()


def test_it_says_where_it_is_ready_and_is(site):
    assert f"ready http://127.0.0.1:{site.port}" in site.lines
    assert get(f"http://127.0.0.1:{site.port}/health/ready")[0] == 200


def test_it_prints_a_link_for_the_first_administrator(site):
    line = site.wait_for_line("Choose the administrator's password")

    link = re.search(r"http://\S+", line)[0]
    assert get(link)[0] == 200


def test_secrets_are_for_the_owner_alone(site):
    secrets = list((site.data_dir / "secrets").iterdir())

    assert {"secret_key", "token_pepper", "signing_key", "postgres", "redis"} <= {file.name for file in secrets}
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets} == {0o600}


def test_no_secret_is_seen_in_a_process_list(site):
    arguments = "\n".join(" ".join(process.cmdline()) for process in processes_of(site.data_dir))

    assert "gunicorn" in arguments
    assert not [f for f in (site.data_dir / "secrets").iterdir() if f.read_text().strip() in arguments]


def test_the_database_does_not_run_as_root(site):
    servers = [p for p in processes_of(site.data_dir) if p.name() in {"postgres", "redis-server"}]

    assert servers
    assert 0 not in {server.uids().real for server in servers}


def test_other_commands_work_meanwhile(site):
    environment = clean_environment() | {"MARKETPLACE_DATA_DIR": str(site.data_dir)}

    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--check"], cwd=ROOT, env=environment, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_a_second_start_in_the_same_directory_is_refused_in_one_line(site):
    second = Up(site.data_dir)

    output, _ = second.process.communicate(timeout=PATIENCE_SECONDS)

    assert second.process.returncode == 1
    assert re.fullmatch(rf".* is in use: another `up` runs there \(process {site.process.pid}\)\.\n", output)


def test_a_worker_that_dies_is_started_again(site):
    worker = int((site.data_dir / "run" / "worker.pid").read_text().split()[0])

    os.kill(worker, signal.SIGKILL)

    assert site.wait_for_line("worker ended; starting it again")
    assert get(f"http://127.0.0.1:{site.port}/health/ready")[0] == 200


def test_a_killed_start_leaves_nothing_that_the_next_one_cannot_clear(site):
    before = processes_of(site.data_dir)
    site.stop(signal.SIGKILL)

    again = Up(site.data_dir)
    again.wait_for_line("ready ")

    _, alive = psutil.wait_procs(before, timeout=5)
    assert alive == []
    assert again.stop() == (0, pytest.approx(15, abs=15))
    assert processes_of(site.data_dir) == []


def test_ctrl_c_while_it_starts_leaves_nothing(data_dir):
    up = Up(data_dir)
    up.wait_for_line("starting: database tables")

    code, seconds = up.stop(signal.SIGINT)

    assert code == 0
    assert seconds < 30
    assert processes_of(data_dir) == []


def test_a_taken_port_is_one_clear_line(data_dir):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        up = Up(data_dir, port=port)
        output, _ = up.process.communicate(timeout=PATIENCE_SECONDS)

    assert output == f"Port {port} is in use: choose another with --port (make run PORT=…).\n"
    assert up.process.returncode == 1


def test_a_data_directory_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")

    up = Up(tmp_path / "file")
    output, _ = up.process.communicate(timeout=PATIENCE_SECONDS)

    assert output == f"The data directory {tmp_path}/file cannot be written to: File exists.\n"
    assert up.process.returncode == 1


@pytest.mark.parametrize("port", [65_536, 99_999])
def test_a_port_that_does_not_exist_is_one_clear_line(tmp_path, port):
    up = Up(tmp_path, port=port)
    output, _ = up.process.communicate(timeout=PATIENCE_SECONDS)

    assert output == f"There is no port {port}: choose one from 1 to 65535 with --port.\n"
    assert up.process.returncode == 1


def test_a_database_that_is_not_there_is_one_clear_line_without_its_password():
    with pytest.raises(CannotStart) as refused:
        checks.database({"host": "127.0.0.1", "port": free_port(), "user": "ann", "password": "sesame", "dbname": "x"})

    assert str(refused.value).startswith("The database of DATABASE_URL cannot be reached: ")
    assert "\n" not in str(refused.value)
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize("url", ["redis://:sesame@127.0.0.1:{port}/0", "unix://:sesame@/nowhere/redis.sock"])
def test_a_redis_that_is_not_there_is_one_clear_line_without_its_password(url):
    with pytest.raises(CannotStart) as refused:
        checks.broker(url.format(port=free_port()))

    assert str(refused.value).startswith("The Redis of REDIS_URL cannot be reached: ")
    assert "sesame" not in str(refused.value)
