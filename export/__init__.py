"""Stories as files: EPUB, FB2, HTML, TXT and their covers."""
