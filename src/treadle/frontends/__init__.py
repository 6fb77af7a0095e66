"""Model sources to programs: one package per format."""
