"""The HTTP doors (aiohttp): they parse, call one function of the core, and answer."""
