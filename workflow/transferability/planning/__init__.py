"""Checks and estimates before a study is trained: preflight reports what is wrong, plan reports what the study costs.

The input is a configuration, images and a device; the output is pages with faults, and with time and disk space.
"""
