"""Everything between Telegram and the handlers: the inbox, its dispatcher, and sending."""
