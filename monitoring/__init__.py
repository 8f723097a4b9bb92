"""Watching the bot: whether it moves, what it has done, and who is told."""
