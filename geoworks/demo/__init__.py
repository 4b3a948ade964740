"""A sample town, made for the project after Saint-Michel-sur-Orge: true street names, drawn by hand."""
