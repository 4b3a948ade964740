"""Sends changes to the receivers that key holders registered."""
