"""The settings: what can be set (`settings`, `sources`, `categories`), and how a file becomes settings (`loader`)."""
