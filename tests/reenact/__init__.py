"""`sosbridge replay --speed`: a log's calls again, on simulated systems."""
