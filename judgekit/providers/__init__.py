"""Model providers: the only rooms that know HTTP and model libraries. Each is a `Client` (see `exchange`)."""
