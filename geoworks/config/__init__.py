"""The settings: what can be set (`settings`), and how a file becomes settings (`loader`)."""
