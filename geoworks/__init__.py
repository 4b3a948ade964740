"""geoworks: roadworks and citizen reports, streamed live to those they concern."""

__version__ = "0.1.0"
