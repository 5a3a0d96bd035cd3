"""Between untrusted requests and the network: limits, checks, the API, and which networks are served."""
