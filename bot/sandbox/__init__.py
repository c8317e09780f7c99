"""A local Slack in the browser and practice registries that behave like the real ones."""
