"""What every package uses: errors, data types, HTTP, logging, text."""
