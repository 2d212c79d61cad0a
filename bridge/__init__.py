"""sosbridge: an SOS call becomes one incident that a human is sure to see and answer."""
