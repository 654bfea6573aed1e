"""What the built-in plugins know of PyTorch training scripts: files, loops, models, and how to edit them."""
