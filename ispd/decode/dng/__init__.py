"""Our own reader of TIFF and DNG tags, opcodes and color."""
