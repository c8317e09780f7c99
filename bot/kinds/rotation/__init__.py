"""Making a new credential at the provider and ending the old one, a file for each provider."""
