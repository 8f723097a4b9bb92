"""How fast the bot is: `python -m bench` runs it as a process against stand-ins and prints a table.

It measures one path (a user's words, a streamed answer): overhead, processor time, memory, the effect of a large
database, and the start. `standins` are Telegram and the model, `load` the users, `bot_process` the bot, `seed` its
database, `table` the output, `commands` and `compare` further measurements. `python -m bench.prose` measures something
else: how well a model writes by the bot's prompts.
"""
