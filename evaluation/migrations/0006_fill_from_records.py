import hashlib
import json

from django.db import migrations


def fill(apps, schema_editor):
    """What the records of before say: which files a run measured, by which runner, and which record a score rests on."""
    run_model, score, record = (apps.get_model("evaluation", name) for name in ("Run", "Score", "Record"))
    for one in record.objects.filter(run__isnull=False).iterator():
        body = json.loads(one.body)
        files = json.dumps(body["model"]["files"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        run_model.objects.filter(pk=one.run_id).update(
            files_digest=hashlib.sha256(files.encode()).hexdigest(),
            runner_version=str(body["engine"]["runner_version"])[:20],
        )
        score.objects.filter(run_id=one.run_id).update(record=one)


class Migration(migrations.Migration):

    dependencies = [
        ('evaluation', '0005_records_and_withdrawal'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
