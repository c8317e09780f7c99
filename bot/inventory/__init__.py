"""What a cluster runs, looked at from inside of it and sent to Registrar."""
