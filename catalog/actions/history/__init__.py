"""What a repo holds over time: commits, refs, pushes, squashes and what is taken out for good."""
