"""The dialplan pack (docs/asterisk/): rendered from the site, its prompts built, the live PBX compared."""
