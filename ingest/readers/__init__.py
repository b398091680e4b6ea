"""One module per format; `registry.read_document` picks by content which one reads a file."""
