"""Looking before automating: what an expert reads first."""
