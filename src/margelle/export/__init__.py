"""What is kept, on its way out: as rows of one form, written as CSV, NDJSON, Arrow or Parquet."""
