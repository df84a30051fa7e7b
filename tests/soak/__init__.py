"""A hub of three accounts that lives through everything that clouds, machines and clocks do, in virtual time, and is then held against the truth."""
