"""The transactions of RFC 3261 section 17 with the corrections of RFC 6026, as pure state machines.

`event(event, transaction)` of one of the four modules `invite_client`, `non_invite_client`, `invite_server`
and `non_invite_server` gives the transaction's next value and the effects: what to send, what to tell the
transaction user, which timers to set. `machine` has the vocabulary, `timers` the times, `matching` says which
message belongs to which transaction, `requests` makes the ACK and CANCEL that belong to an INVITE. `layer`
keeps all transactions of an endpoint, which calls it.
"""
