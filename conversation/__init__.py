"""The conversation as data: steps, drafts, keyboards, texts. No storage, no Telegram calls."""
