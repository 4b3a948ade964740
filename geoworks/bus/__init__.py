"""What carries news between the nodes of one town: implementations of `geoworks.nodes.Bus`."""
