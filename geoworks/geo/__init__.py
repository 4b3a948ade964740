"""Geometry: coordinate systems, GeoJSON, validity, measures and the index of places."""
