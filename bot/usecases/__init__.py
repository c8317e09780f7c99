"""One file per thing a person or the clock asks for; one transaction each."""
