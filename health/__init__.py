"""How this process and its neighbours are: asked side by side, told once."""
