"""Mistakes that a client and a face would share, injected one at a time; the evidence must notice each."""
