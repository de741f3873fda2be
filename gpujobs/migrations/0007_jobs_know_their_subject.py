from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('gpujobs', '0006_errands_and_tallies'),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='subject',
            field=models.UUIDField(db_index=True, null=True),
        ),
    ]
