"""Registries to practise on: nine, one per kind, that behave like the real ones on this machine.

Nothing here leaves loopback. The sandbox and the tests use the same.
"""

from bot.sandbox.practice.practice import Practice as Practice
