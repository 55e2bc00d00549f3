"""One file a command: parse, call one function, print, return an exit code."""
