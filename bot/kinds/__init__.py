"""One file per registry kind; a kind knows nothing of Slack or of the database."""
