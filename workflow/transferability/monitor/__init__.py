"""Monitoring of a study while it runs: its status, and the lines of the console."""
