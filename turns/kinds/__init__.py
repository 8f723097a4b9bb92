"""The kinds of turn, a module each."""
