"""A strict local Slack: Web API, Socket Mode and what people do in a client, on loopback only."""
