"""Judging C++ that somebody else wrote for a stored kernel."""
