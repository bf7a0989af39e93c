"""Pages, console and management API for a WSGI server: `granian --interface wsgi llmhub.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmhub.settings")
application = get_wsgi_application()
