"""The tables behind `database.py`, a module each. Only `database.py` imports these; everybody else asks it."""
