"""The Web API, one file per family of methods and one table of all of them."""
