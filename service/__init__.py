"""The edges: HTTP, the command line, and the one place that joins the real parts."""
