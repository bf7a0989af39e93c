"""Audit rows are only ever added: the function that refuses anything else, and the operator's table."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION public.audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit rows are only ever added' USING ERRCODE = 'insufficient_privilege';
END
$$;
"""
TABLE = """
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON tenants_operatoraudit
  FOR EACH ROW EXECUTE FUNCTION public.audit_refuse_change();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON tenants_operatoraudit
  FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON tenants_operatoraudit FROM CURRENT_USER;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION public.audit_refuse_change()"),
        migrations.RunSQL(TABLE, migrations.RunSQL.noop),
    ]
