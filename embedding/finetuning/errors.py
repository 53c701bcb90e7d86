"""The errors of fine-tuning."""

from embedding.errors import UserFacingError


class FineTuningError(UserFacingError, ValueError):
    """The model cannot be fine-tuned; the message says what to do."""
