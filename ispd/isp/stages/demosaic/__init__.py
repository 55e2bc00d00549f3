"""One file a method, behind one name."""
