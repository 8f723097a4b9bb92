"""The Telegram Web App: a small Flask application in the bot's process, and its page.

`server.py` is the way in: `WebApp(...).start()`. Imported only where `WEBAPP_URL` or `WEBHOOK_URL` is set.
"""
