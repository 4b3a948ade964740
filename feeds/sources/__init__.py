"""Reading files and URLs by GDAL, in a process of its own."""
