"""The audit table only grows: the database itself refuses to change or remove a row."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION portal_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER portal_audit_append_only BEFORE UPDATE OR DELETE ON portal_auditevent
    FOR EACH ROW EXECUTE FUNCTION portal_audit_refuse();
"""
ALLOW = """
DROP TRIGGER portal_audit_append_only ON portal_auditevent;
DROP FUNCTION portal_audit_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
