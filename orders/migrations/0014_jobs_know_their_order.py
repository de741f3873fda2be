from django.db import migrations

# The pictures that a job was given lie in its order's folder: jobs whose candidate is gone already are found by them.
BY_PICTURES = r"""
    UPDATE gpujobs_job
    SET subject = substring(images::text FROM 'orders/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/')::uuid
    WHERE subject IS NULL AND images::text ~ 'orders/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/'
"""


class Migration(migrations.Migration):

    dependencies = [
        ('gpujobs', '0008_jobs_know_their_subject'),
        ('orders', '0013_gallery_code'),
    ]

    operations = [migrations.RunSQL(BY_PICTURES, migrations.RunSQL.noop)]
