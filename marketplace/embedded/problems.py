"""What can keep the marketplace from starting: each is one line for the person at the terminal."""


class CannotStart(Exception):
    """The message is shown as it is, and the start ends."""
