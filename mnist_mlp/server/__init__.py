"""What stands between strangers and the network: limits, checks, and the networks that are served."""
