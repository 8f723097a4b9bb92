"""Mutation testing: a small change in a module's code, a mutant, must fail one of its tests. Run by `make mutants`."""
