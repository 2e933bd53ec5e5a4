"""The audit record: only added to, chained, and its chain tells what somebody did behind its back."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from threading import Barrier, Thread

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from catalog.actions import audit
from catalog.models import AuditEntry, AuditSeal
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def sql(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def entries(number: int) -> list[AuditEntry]:
    actor = UserFactory()
    for index in range(number):
        audit.record(actor, "test.note", f"thing/{index}", size=index, words="ą 模型", rate=0.1)
    audit.seal()
    return list(AuditEntry.objects.filter(action="test.note").order_by("pk"))


def tampered(*statements: str) -> list[audit.Problem]:
    """What is found after somebody with all rights on the database did this."""
    sql(
        "SET CONSTRAINTS ALL IMMEDIATE",
        "ALTER TABLE catalog_auditentry DISABLE TRIGGER USER",
        "ALTER TABLE catalog_auditseal DISABLE TRIGGER USER",
        *statements,
    )
    return list(audit.problems())


def taken_out(entry: AuditEntry) -> tuple[str, str]:
    return (
        f"DELETE FROM catalog_auditseal WHERE entry_id = {entry.pk}",
        f"DELETE FROM catalog_auditentry WHERE id = {entry.pk}",
    )


@pytest.mark.parametrize("table", ["catalog_auditentry", "catalog_auditseal"])
@pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"])
def test_the_database_takes_no_change_of_what_was_recorded(table, change):
    entries(2)
    sql(
        "SET CONSTRAINTS ALL IMMEDIATE",
        "ALTER TABLE catalog_auditentry ENABLE TRIGGER USER",
        "ALTER TABLE catalog_auditseal ENABLE TRIGGER USER",
    )
    column = "target" if table == "catalog_auditentry" else "digest"

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        sql(change.format(table, column))


def test_an_entry_vanishes_with_the_change_it_is_about():
    with transaction.atomic():
        audit.record(None, "test.note", "thing")
        transaction.set_rollback(True)

    assert not AuditEntry.objects.filter(action="test.note").exists()


def test_an_untouched_chain_holds():
    entries(5)

    assert list(audit.problems()) == []
    assert audit.head().number == AuditEntry.objects.count()
    assert audit.seal() == 0


def test_changed_words_are_found():
    one = entries(5)[2]

    (problem,) = tampered(f"UPDATE catalog_auditentry SET target = 'thing/x' WHERE id = {one.pk}")

    assert problem.words == f"entry {one.pk} is not what was sealed"


def test_a_changed_actor_is_found():
    one, other = entries(3)[1], UserFactory()

    found = tampered(f"UPDATE catalog_auditentry SET actor_id = {other.pk} WHERE id = {one.pk}")

    assert [problem.at for problem in found] == [AuditSeal.objects.get(entry=one).number]


def test_an_entry_taken_out_of_the_middle_is_found():
    one = entries(5)[2]
    link = AuditSeal.objects.get(entry=one)

    found = tampered(
        f"DELETE FROM catalog_auditseal WHERE entry_id = {one.pk}",
        f"DELETE FROM catalog_auditentry WHERE id = {one.pk}",
    )

    assert link.number in [problem.at for problem in found]


def test_a_chain_made_anew_without_the_key_is_found():
    one = entries(3)[0]

    found = tampered(
        f"UPDATE catalog_auditentry SET target = 'x' WHERE id = {one.pk}",
        f"UPDATE catalog_auditseal SET digest = md5('guess') || md5('work') WHERE entry_id = {one.pk}",
    )

    assert len(found) == 2  # this link, and the next one that hangs on it


def test_an_end_cut_off_is_found_by_who_kept_the_head():
    one = entries(4)[-1]
    kept = audit.head()

    unseen = tampered(
        f"DELETE FROM catalog_auditseal WHERE entry_id = {one.pk}",
        f"DELETE FROM catalog_auditentry WHERE id = {one.pk}",
    )

    assert unseen == []
    assert [problem.words for problem in audit.problems(known=kept)] == ["the chain ends before the link that was kept"]


def test_an_entry_slipped_in_long_ago_is_found():
    entries(1)
    AuditEntry.objects.create(action="test.note", at=timezone.now() - timedelta(hours=2))

    assert [problem.words for problem in audit.problems()] == ["this entry was never sealed"]


def test_an_entry_whose_transaction_ended_late_is_sealed_after_newer_ones():
    late, newer = AuditEntry(action="test.note"), AuditEntry(action="test.note")
    late.save()
    newer.save()
    sql("SET CONSTRAINTS ALL IMMEDIATE", "ALTER TABLE catalog_auditentry DISABLE TRIGGER USER")
    AuditEntry.objects.filter(pk=late.pk).delete()  # not there yet for the first sweep
    audit.seal()
    late.save(force_insert=True)

    audit.seal()

    assert AuditSeal.objects.get(entry=late).number == AuditSeal.objects.get(entry=newer).number + 1
    assert list(audit.problems()) == []


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_make_one_chain():
    # given
    for index in range(50):
        audit.record(None, "test.note", str(index))
    together = Barrier(4)

    def sweep() -> None:
        together.wait(timeout=30)
        audit.seal()
        connection.close()

    # when
    threads = [Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    audit.seal()

    # then
    assert list(AuditSeal.objects.order_by("number").values_list("number", flat=True)) == list(range(1, 51))
    assert list(audit.problems()) == []


def test_the_command_prints_the_head_and_fails_when_something_is_wrong():
    one = entries(3)[1]
    out = StringIO()
    call_command("audit", stdout=out)
    head = json.loads(out.getvalue())["head"]
    call_command("audit", since=head, stdout=StringIO())

    tampered(f"UPDATE catalog_auditentry SET details = '{{}}' WHERE id = {one.pk}")
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("audit", stdout=out)

    assert ended.value.code == 1
    assert json.loads(out.getvalue().splitlines()[0])["words"] == f"entry {one.pk} is not what was sealed"
