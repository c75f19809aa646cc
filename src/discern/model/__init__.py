"""The detection network in PyTorch: blocks, assignment, loss, export."""
