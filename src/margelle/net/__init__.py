"""Speaking to the vendors' clouds: HTTP with receipts, request budgets that outlive the process, tokens kept and renewed."""
