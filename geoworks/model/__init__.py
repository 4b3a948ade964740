"""The values of geoworks: frozen, typed, without input or output."""
