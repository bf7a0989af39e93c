"""Why a process of the hub does not start."""


class StartFailed(Exception):
    """The hub cannot start; the message is one line that says what is wrong and how to mend it."""
