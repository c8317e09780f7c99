"""Registrar keeps an organisation's container registries and proves their credentials."""
