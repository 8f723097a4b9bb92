"""Composition root: builds the bot, checks its configuration, watches it."""
