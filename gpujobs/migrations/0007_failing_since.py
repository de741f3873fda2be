from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import Coalesce, Now


def since_the_last_fault(apps, schema_editor):
    instances = apps.get_model("gpujobs", "Instance").objects.filter(state="out")
    instances.update(failing_since=Coalesce(F("fault_at"), Now()))


class Migration(migrations.Migration):
    dependencies = [("gpujobs", "0006_errands_and_tallies")]

    operations = [
        migrations.AddField("instance", "failing_since", models.DateTimeField(null=True)),
        migrations.RunPython(since_the_last_fault, migrations.RunPython.noop),
    ]
