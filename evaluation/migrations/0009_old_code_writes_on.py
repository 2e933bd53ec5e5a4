# The columns that 0005 and 0007 added get defaults of the database: code of before them names none of them.

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evaluation', '0008_classes_and_attempts'),
    ]

    operations = [
        migrations.AlterField(
            model_name='node',
            name='paused_reason',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AlterField(
            model_name='run',
            name='files_digest',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AlterField(
            model_name='run',
            name='integrity_problem',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AlterField(
            model_name='run',
            name='kind',
            field=models.CharField(choices=[('full', 'full'), ('smoke', 'smoke test'), ('sentinel', 'sentinel')], db_default='full', default='full', max_length=10),
        ),
        migrations.AlterField(
            model_name='run',
            name='runner_version',
            field=models.CharField(blank=True, db_default='', default='', max_length=20),
        ),
        migrations.AlterField(
            model_name='run',
            name='withdrawn_reason',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AlterField(
            model_name='score',
            name='is_superseded',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
