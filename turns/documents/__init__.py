"""Text out of users' documents: plain text, FB2, EPUB and DOCX.

The counterpart of `export/`. Documents are hostile: how much is unpacked is limited, nothing outside the document is
read, and whatever is wrong with one is a `FileUnreadable`.
"""
