"""The SQL behind `database.py`, one module per table. Only `database.py` imports it."""
