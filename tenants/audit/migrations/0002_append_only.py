"""A tenant's audit rows are only ever added."""

from django.db import migrations

TABLE = """
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_entry
  FOR EACH ROW EXECUTE FUNCTION public.audit_refuse_change();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON audit_entry FROM CURRENT_USER;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("tenants", "0002_audit_append_only")]

    operations = [migrations.RunSQL(TABLE, migrations.RunSQL.noop)]
