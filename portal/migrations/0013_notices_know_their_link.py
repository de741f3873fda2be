from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0012_family_chooses'),
    ]

    operations = [
        migrations.AddField(
            model_name='notice',
            name='part',
            field=models.UUIDField(null=True),
        ),
    ]
