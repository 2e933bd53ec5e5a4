from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0018_kept_answers'),
    ]

    operations = [
        migrations.AddField(
            model_name='discussion',
            name='commits_dropped_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='commit',
            name='offered_in',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name='commit',
            index=models.Index(condition=models.Q(('offered_in__isnull', False)), fields=['repo', 'offered_in'], name='commit_by_pull_request'),
        ),
    ]
