"""What clusters ask: which images an object names, and whether they may run. Pure."""
