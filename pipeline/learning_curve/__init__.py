"""How good a recipe gets with fewer labelled examples: the same recipe on samples of its data."""
