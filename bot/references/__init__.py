"""Where secrets may be kept instead of here: one file for each scheme of references."""
