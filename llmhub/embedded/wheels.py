"""Where the embedded servers' files are, found without running any code of their packages.

Those packages are installed without their dependencies, so importing them would fail.
"""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from llmhub.embedded.errors import StartFailed


def wheel_folder(module: str) -> Path:
    """The folder of an installed top-level module; raises StartFailed when there is none."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise _missing(module)
    return Path(spec.submodule_search_locations[0])


def wheel_file(module: str, pattern: str) -> Path:
    """The one file that matches a glob below a module's folder; raises StartFailed."""
    found = sorted(wheel_folder(module).glob(pattern))
    if not found:
        raise StartFailed(f"The package {_distribution(module)} has no {pattern} for this machine.")
    return found[0]


def wheel_version(module: str) -> str:
    """The version of the package that brings a module; raises StartFailed."""
    try:
        return version(_distribution(module))
    except PackageNotFoundError:
        raise _missing(module) from None


def _distribution(module: str) -> str:
    return module.replace("_", "-")


def _missing(module: str) -> StartFailed:
    return StartFailed(
        f"The package {_distribution(module)} is not installed: run `make install`, "
        "or set DATABASE_URL and REDIS_URL to servers of your own."
    )
