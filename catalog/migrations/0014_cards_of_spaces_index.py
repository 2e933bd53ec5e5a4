import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0013_marked_chunks'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='repofacts',
            index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('kind', 'space')), fastupdate=False, fields=['card_data'], name='facts_card_of_space', opclasses=['jsonb_path_ops']),
        ),
    ]
