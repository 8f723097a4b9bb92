"""The tests: real code, real HTTP on this machine, real SQLite files."""
