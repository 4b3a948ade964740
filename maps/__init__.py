"""What people look at: the pages and the generated maps."""
