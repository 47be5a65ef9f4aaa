"""Reporters: functions from a RunReport to output. They read values only, never a file.

Every module of a format has `render(report, options) -> str`; text, diff and statistics also have `iter_lines`,
whose lines are the same text in pieces with the names of styles, for terminals.
"""
