"""The base class of the project's exceptions."""


class UserFacingError(Exception):
    """An error with a message for the user: what is wrong and, if possible, what to do.

    Commands print the message without a traceback. All exceptions of the project with such a
    message are derived from this class.
    """
