"""The page: its components, each with its markup, style and script beside it."""
