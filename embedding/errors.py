"""What the project's errors have in common."""


class UserFacingError(Exception):
    """An error whose message tells a person what is wrong and, where possible, what to do.

    Commands end with its message and no traceback. Every exception of the project that may leave
    its module with such a message derives from it.
    """
