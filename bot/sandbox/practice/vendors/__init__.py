"""One file per vendor, each answering as its documentation and its users say the real one does."""
