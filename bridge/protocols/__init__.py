"""Wire code that knows no incident: how to speak AMI, SIP, HTTP. Used by triggers and drivers."""
