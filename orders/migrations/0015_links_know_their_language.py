from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0014_jobs_know_their_order'),
    ]

    operations = [
        migrations.AddField(
            model_name='downloadlink',
            name='language',
            field=models.CharField(blank=True, max_length=5),
        ),
        migrations.AddField(
            model_name='familylink',
            name='language',
            field=models.CharField(blank=True, max_length=5),
        ),
    ]
