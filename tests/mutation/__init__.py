"""Mutation tests: derivations and modules are damaged, and the checks have to refuse every one."""
