"""Everything between Telegram and the handlers: the inbox's dispatcher and sending."""
