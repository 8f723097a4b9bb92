"""A day in ten minutes: `python -m bench.soak` runs the bot for 500 people at Telegram's limits, with faults.

`talkers`, `visitors` and `writers` are the habits, `person` what one of them does and waits for, `crowd` who has which
habit, `past` what they wrote before the run. `stand_ins` are Telegram and the models as they are watched, `faults` what
goes wrong and when, `sampler` what is read of the bot's process, `model_calls` what is read of its database. `verdict`
compares the end with the beginning, `plot` and `report` show it, `run` is one run.
"""
