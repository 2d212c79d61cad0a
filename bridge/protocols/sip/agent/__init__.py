"""The user agent core: transactions and dialogs joined into one object for an endpoint, sans-IO.

`Agent` takes messages, timers and wishes, and returns `effects`, among them the `events` for the application.
Inside, `called`, `calling` and `talking` are the three ages of a call, `switchboard` holds all of them,
`transactions` sends, `outside` is for requests that belong to no call, `admission` for what cannot be taken,
`media` for session descriptions, `login` for challenges, `snapshot` for what outlives the process.
"""

from bridge.protocols.sip.agent.agent import Agent
from bridge.protocols.sip.agent.calling import Target
from bridge.protocols.sip.agent.login import Login
from bridge.protocols.sip.agent.settings import Settings

__all__ = ["Agent", "Login", "Settings", "Target"]
