"""Side-by-side measurements, run by hand. Nothing here is run by the test suite or needed by the pipeline."""
