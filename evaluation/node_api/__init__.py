"""What a node may call, with its token and the lease of one run."""
