"""A practice Kubernetes cluster: asks the bot before it runs an image, and reports what it runs."""
