from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0002_audit_append_only'),
    ]

    operations = [
        migrations.CreateModel(
            name='SpareSchema',
            fields=[
                ('schema_name', models.CharField(max_length=63, primary_key=True, serialize=False)),
                ('fingerprint', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
