"""What answers over HTTP: Slack, clusters, health; one aiohttp application."""
