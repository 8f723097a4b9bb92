"""What a turn of `turns.py` is made of: its price, its prompt, how it is written, how it ends, and how it is shown."""
