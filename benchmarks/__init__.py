"""What each stage costs and how well it does; every module is a command that prints its figures."""
