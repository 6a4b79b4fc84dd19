"""The table and its renderings: Markdown, LaTeX, CSV, JSON, HTML, terminal."""
