import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0018_kept_answers'),
        ('evaluation', '0002_records_outlive_runs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='benchmark',
            name='slug',
            field=models.SlugField(max_length=280),
        ),
        migrations.AddField(
            model_name='benchmark',
            name='namespace',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='benchmarks', to='catalog.namespace'),
        ),
        migrations.AddField(
            model_name='benchmark',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='benchmark',
            name='shipped_hash',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='benchmark',
            name='pinned_at',
            field=models.DateTimeField(null=True),
        ),
    ]
