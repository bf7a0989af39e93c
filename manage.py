#!/usr/bin/env python
"""Django's command line for LLM Hub."""

import os
import sys

from llmhub.config import ConfigError


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmhub.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ConfigError as error:
        sys.exit(f"llm-hub: {error}")


if __name__ == "__main__":
    main()
