"""Feeds: where works and zones come from. An adapter; the core knows it by its ports only."""
