"""`python -m llmhub.up`"""

import sys

from llmhub.config import ConfigError, config_read
from llmhub.up.hub import hub_run
from llmhub.up.progress import complain


def main() -> int:
    try:
        config = config_read(is_beside_hub=False)
    except ConfigError as error:
        complain(str(error))
        return 1
    return hub_run(config)


if __name__ == "__main__":
    sys.exit(main())
