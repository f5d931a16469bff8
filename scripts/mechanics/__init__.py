"""The library of the study: see README.md, what is where."""
