"""The Telegram Web App: a small Flask application in the bot's process, and its page.

Start: `WebApp(...).start()` in `server.py`. Imported only where `WEBAPP_URL` or `WEBHOOK_URL` is set.
"""
