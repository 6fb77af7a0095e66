"""Small programs, one a line: ``(parameters) -> result: expression | inputs | inputs``."""
