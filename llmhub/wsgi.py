"""Pages, console and management API for a WSGI server: `granian --interface wsgi llmhub.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmhub.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402 needs the line above

from llmhub.base.pooler import pooler_refuse_at_start  # noqa: E402

pooler_refuse_at_start(settings.HUB.database_url)
