"""What is run while developing: `python -m tools.<name>`."""
