"""The errors that cross a layer. Everything else is a defect and may end in a traceback.

A driver says by the type of the error what the outbox may do next:
`Retryable` (try again before the deadline), `Permanent` (never again: tell a person),
`Uncertain` (bytes left, no usable answer came back: it may or may not have happened).
"""


class SosBridgeError(Exception):
    """Base of all errors whose text is meant for a person."""


class ConfigError(SosBridgeError):
    """The configuration cannot be used. The text names every mistake with file:line."""


class ProtocolError(SosBridgeError):
    """The other side sent something that its protocol forbids, or we were about to."""


class StoreError(SosBridgeError):
    """The database cannot be used (missing, old schema, damaged, locked past the deadline)."""


class DeliveryError(SosBridgeError):
    """Base of what a driver may raise from `perform`."""


class Retryable(DeliveryError):
    """Nothing happened at the other side, and it may work later.

    retry_after: seconds the other side asked for, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unsent(Retryable):
    """It never left us, for want of a free connection or of time: this says nothing about the other side."""


class Unreachable(Retryable):
    """The whole system is out of reach, not one camera of it: the circuit breaker counts these."""


class CameraMissing(Retryable):
    """The system answers, the camera does not: another one has to stand in for it meanwhile."""


class Permanent(DeliveryError):
    """Refused for good: wrong rights, unknown camera, impossible operation."""


class NothingThere(Permanent):
    """The system has nothing of that name, or not any more: another camera has to stand in for it."""


class Uncertain(DeliveryError):
    """The request left, no usable answer came back. Never counted as done."""
