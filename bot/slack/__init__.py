"""Registrar in Slack: thin listeners, pure renderers, and what keeps both inside Slack's rules."""
