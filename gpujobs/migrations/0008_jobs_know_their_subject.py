from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('gpujobs', '0007_failing_since'),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='subject',
            field=models.UUIDField(db_index=True, null=True),
        ),
    ]
