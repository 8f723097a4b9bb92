"""How fast the bot is: `python -m bench` runs it as a process against stand-ins and prints a table.

Covers load on the one path that costs (a user's words, a streamed answer), the bot's processor time and memory, the
size of its database, and its start. Doesn't cover correctness (`tests/`), faults, and what a real network adds.
`standins` are Telegram and the model, `load` the people, `bot_process` the bot, `seed` its database, `table` the
output, `__main__` what is run in which order.
"""
