"""What every concept uses: a file read, its names, edits, plans, layout."""
