"""Each audit entry gets its place in a chain of hashes as its transaction commits, and TRUNCATE is refused too.

A deferred trigger seals: it runs at the commit, so the lock that puts commits in one order is held only from there to
their end, and no transaction waits for it while it still has other rows to lock.
"""

from django.db import migrations

SEAL = """
CREATE FUNCTION portal_audit_content(e portal_auditevent) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(CASE WHEN v IS NULL THEN '-' ELSE octet_length(v) || ':' || v END, '' ORDER BY n)
    FROM unnest(ARRAY[
        e.id::text, (extract(epoch from e.at) * 1000000)::bigint::text, e.actor_id::text, e.actor_name,
        e.actor_kind, host(e.address), e.home_id::text, e.action, e.subject::text, e.reason, e.details::text
    ]) WITH ORDINALITY AS t(v, n)
$$;

CREATE FUNCTION portal_audit_seal(e portal_auditevent) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    last_number bigint := 0;
    last_hash text := repeat('0', 64);
BEGIN
    PERFORM pg_advisory_xact_lock(1635083381);
    SELECT number, hash INTO last_number, last_hash FROM portal_auditlink ORDER BY number DESC LIMIT 1;
    IF NOT FOUND THEN
        last_number := 0;
        last_hash := repeat('0', 64);
    END IF;
    INSERT INTO portal_auditlink (number, event, previous, hash, sealed_at) VALUES (
        last_number + 1, e.id, last_hash,
        encode(sha256(convert_to(
            last_hash || E'\\n' || (last_number + 1) || E'\\n' || portal_audit_content(e), 'UTF8')), 'hex'),
        clock_timestamp()
    );
END $$;

CREATE FUNCTION portal_audit_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM portal_audit_seal(NEW);
    RETURN NULL;
END $$;

DO $$
DECLARE e portal_auditevent;
BEGIN
    FOR e IN SELECT * FROM portal_auditevent ORDER BY id LOOP
        PERFORM portal_audit_seal(e);
    END LOOP;
END $$;

CREATE CONSTRAINT TRIGGER zz_portal_audit_seal AFTER INSERT ON portal_auditevent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION portal_audit_at_commit();
"""
UNSEAL = """
DROP TRIGGER zz_portal_audit_seal ON portal_auditevent;
DROP FUNCTION portal_audit_at_commit();
DROP FUNCTION portal_audit_seal(portal_auditevent);
DROP FUNCTION portal_audit_content(portal_auditevent);
"""

# Entries older than two years may go, oldest first, when portal.chain.prune says that this is what it does.
REFUSE = """
CREATE OR REPLACE FUNCTION portal_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE since timestamptz;
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('portal.audit_pruning', true) = 'on' THEN
        since := CASE TG_TABLE_NAME WHEN 'portal_auditevent' THEN (to_jsonb(OLD)->>'at')::timestamptz
                 ELSE (to_jsonb(OLD)->>'sealed_at')::timestamptz END;
        IF since < now() - interval '2 years' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit entries are append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER portal_audit_no_truncate BEFORE TRUNCATE ON portal_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION portal_audit_refuse();
CREATE TRIGGER portal_audit_no_truncate BEFORE TRUNCATE ON portal_auditlink
    FOR EACH STATEMENT EXECUTE FUNCTION portal_audit_refuse();
CREATE TRIGGER portal_audit_append_only BEFORE UPDATE OR DELETE ON portal_auditlink
    FOR EACH ROW EXECUTE FUNCTION portal_audit_refuse();
"""
ALLOW = """
DROP TRIGGER portal_audit_append_only ON portal_auditlink;
DROP TRIGGER portal_audit_no_truncate ON portal_auditlink;
DROP TRIGGER portal_audit_no_truncate ON portal_auditevent;
CREATE OR REPLACE FUNCTION portal_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are append-only' USING ERRCODE = 'restrict_violation';
END $$;
"""
# Who it was, of entries made before the name was kept with them.
NAME = """
ALTER TABLE portal_auditevent DISABLE TRIGGER portal_audit_append_only;
UPDATE portal_auditevent e SET
    actor_name = coalesce((SELECT u.name FROM portal_user u WHERE u.id = e.actor_id), ''),
    reason = left(coalesce(e.details->>'reason', ''), 500),
    details = e.details - 'reason';
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE portal_auditevent ENABLE TRIGGER portal_audit_append_only;
"""


class Migration(migrations.Migration):
    # The columns' own changes are committed first: PostgreSQL alters no table with trigger events pending.
    dependencies = [("portal", "0006_audit_chain")]
    operations = [
        migrations.RunSQL(NAME, migrations.RunSQL.noop),
        migrations.RunSQL(SEAL, UNSEAL),
        migrations.RunSQL(REFUSE, ALLOW),
    ]
