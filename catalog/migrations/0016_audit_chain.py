"""The audit record is append-only by triggers, and its entries hang on a chain (ADR 0011)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

APPEND_ONLY = """
CREATE FUNCTION catalog_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is not for it', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON catalog_auditentry
    FOR EACH ROW EXECUTE FUNCTION catalog_append_only();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON catalog_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON catalog_auditseal
    FOR EACH ROW EXECUTE FUNCTION catalog_append_only();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON catalog_auditseal
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_append_only();
"""
FREE = """
DROP TRIGGER append_only ON catalog_auditentry;
DROP TRIGGER append_only_whole ON catalog_auditentry;
DROP TRIGGER append_only ON catalog_auditseal;
DROP TRIGGER append_only_whole ON catalog_auditseal;
DROP FUNCTION catalog_append_only();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("catalog", "0015_latest_events"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="actor",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("digest", models.CharField(max_length=64)),
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="seal", to="catalog.auditentry"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(APPEND_ONLY, FREE),
    ]
