"""Adapters are tested with the real package of their framework: see `../run-adapters.sh`."""
