"""The embedded servers and their children, where a whole `up` would be too much."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from marketplace import data_dir as places
from marketplace.embedded import children, servers
from marketplace.embedded.problems import CannotStart
from marketplace.up import checks, log_files, static_files
from marketplace.up.watch import PAUSES_SECONDS, Watch
from tests.processes import ROOT
from tests.session import DATA_DIR


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="mm-embedded-", ignore_cleanup_errors=True) as name:
        path = Path(name).resolve()
        servers.prepare(path)
        yield path


def test_the_database_asks_even_local_users_for_the_password():
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host=str(places.socket_dir(DATA_DIR)), user="marketplace", password="guess", dbname="marketplace"
        )


@pytest.mark.django_db
def test_text_beyond_ascii_is_lowered_and_split_by_the_database(django_db_blocker):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT lower('ŁÓDŹ'), to_tsvector('simple', 'Zażółć GĘŚLĄ')::text")
        lowered, words = cursor.fetchone()

    assert lowered == "łódź"
    assert words == "'gęślą':2 'zażółć':1"


def test_a_data_directory_with_a_very_long_path_still_gets_sockets(folder):
    deep = folder.joinpath(*["a-rather-long-name"] * 6)
    servers.prepare(deep)

    started = servers.start(deep)

    assert len(str(places.socket_dir(deep))) < 90
    for child in started:
        child.stop(timeout_seconds=10)
    shutil.rmtree(places.socket_dir(deep))


def test_below_a_private_folder_even_root_gets_a_database_and_the_folder_stays_private(folder):
    private = folder / "private"
    private.mkdir(mode=0o700)
    servers.prepare(private / "site")

    started = servers.start(private / "site")

    assert private.stat().st_mode & 0o777 == 0o700
    for child in started:
        child.stop(timeout_seconds=10)
    shutil.rmtree(places.reachable_dir(private / "site"), ignore_errors=True)  # root's


def test_a_new_data_directory_where_another_was_gets_a_database_of_its_own(folder):
    private = folder / "private"
    private.mkdir(mode=0o700)
    stand_ins = []
    for _ in range(2):
        servers.prepare(private / "site")
        for child in servers.start(private / "site"):
            child.stop(timeout_seconds=10)
        stand_ins.append(places.reachable_dir(private / "site"))
        shutil.rmtree(private / "site")

    for stand_in in stand_ins:
        shutil.rmtree(stand_in, ignore_errors=True)  # root's
    assert stand_ins[0] != stand_ins[1]


def test_a_database_from_before_there_were_words_is_found_again(folder, monkeypatch):
    private = folder / "private" / "site"
    private.parent.mkdir(mode=0o700)
    monkeypatch.setattr(places, "STAND_INS", folder / "stand-ins")
    old = places.STAND_INS / places.fingerprint(private)
    old.mkdir(parents=True)
    places.kept_secret(private, "postgres_superuser")

    assert [places.reachable_dir(private) for _ in range(2)] == [old, old]
    assert places.reachable_dir(private.with_name("other")).name.startswith(
        places.fingerprint(private.with_name("other")) + "-"
    )


def test_two_processes_that_need_a_secret_at_once_agree(folder):
    code = (
        "import sys; from pathlib import Path; from marketplace.data_dir import kept_secret;"
        "print(kept_secret(Path(sys.argv[1]), 'x'))"
    )
    racers = [
        subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT, stdout=subprocess.PIPE) for _ in range(4)
    ]

    answers = {racer.communicate()[0] for racer in racers}

    assert len(answers) == 1
    assert len(answers.pop().strip()) >= 32


def test_a_child_dies_with_its_parent(folder):
    code = (
        "import sys, time; from pathlib import Path; from marketplace.embedded import children;"
        "children.start('sleeper', ['sleep', '60'], data_dir=Path(sys.argv[1]));"
        "print('up', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT, stdout=subprocess.PIPE)
    parent.stdout.readline()
    child = psutil.Process(int((places.run_dir(folder) / "sleeper.pid").read_text().split()[0]))

    parent.kill()
    parent.communicate()

    assert child.wait(timeout=10) in {None, -signal.SIGTERM}


def test_leftovers_that_ignore_a_polite_request_are_killed(folder):
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    child = children.start("stubborn", [sys.executable, "-c", stubborn], data_dir=folder)
    while not (folder / "logs" / "stubborn.log").read_text():
        time.sleep(0.02)

    stopped = children.stop_leftovers(folder, timeout_seconds=0.5)

    assert stopped == 1
    assert not psutil.pid_exists(child.process.pid)
    child.process.wait()


def test_a_pid_that_was_used_again_is_left_alone(folder):
    bystander = subprocess.Popen(["sleep", "60"])
    (places.run_dir(folder) / "old.pid").write_text(f"{bystander.pid} 1.0 15\n")

    stopped = children.stop_leftovers(folder)

    assert stopped == 0
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_part_that_keeps_ending_ends_the_start(folder, monkeypatch):
    monkeypatch.setattr("marketplace.up.watch.PAUSES_SECONDS", [0] * len(PAUSES_SECONDS))
    restarts = []

    def start():
        restarts.append(1)
        return children.start("brief", ["true"], data_dir=folder)

    watch = Watch(lambda _, again: again())
    watch.add(start(), start)

    with pytest.raises(CannotStart, match="brief ended 6 times within ten minutes"):
        watch.until_stopped(lambda: time.sleep(0.05))
    assert len(restarts) == 6


def test_a_nearly_full_disk_is_one_clear_line(folder, monkeypatch):
    monkeypatch.setattr(checks, "LEAST_FREE_BYTES", 2 * shutil.disk_usage(folder).total)

    with pytest.raises(CannotStart, match=f"The disk of {folder} is nearly full: [0-9]+ MB are free"):
        checks.roomy(folder)


def test_a_long_log_moves_aside_and_goes_on(folder):
    log = folder / "logs" / "web.log"
    with log.open("a") as writer:
        writer.write("x" * 100)
        writer.flush()

        log_files.limit(folder / "logs", longest_bytes=50)
        writer.write("after")

    assert log.read_text() == "after"
    assert log.with_suffix(".log.1").read_text() == "x" * 100


def test_a_changed_style_sheet_is_collected_again(folder, settings):
    settings.IS_STATIC_PLAIN, settings.BASE_DIR, settings.STATIC_ROOT = False, folder, folder / "collected"
    sheet = folder / "static" / "css" / "site.css"
    sheet.parent.mkdir(parents=True)
    sheet.touch()
    settings.STATIC_ROOT.mkdir()

    never = static_files.are_stale()
    (settings.STATIC_ROOT / "staticfiles.json").touch()
    fresh = static_files.are_stale()
    os.utime(sheet, (time.time() + 10, time.time() + 10))
    changed = static_files.are_stale()

    assert (never, fresh, changed) == (True, False, True)
