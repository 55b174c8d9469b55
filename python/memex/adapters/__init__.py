"""memex for agent frameworks: one module for each, named as its framework.

Each imports its framework when it is imported itself, and says which extra installs it.
`docs/python/adapters.md` lists them with the versions they were tried with.
"""
