"""Watching the bot: its health, its metrics and analytics, and the alerts that admins get."""
