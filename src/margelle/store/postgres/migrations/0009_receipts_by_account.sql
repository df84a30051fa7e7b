-- A cluster spreads receipts by account: a key of theirs must name it.
ALTER TABLE receipt DROP CONSTRAINT receipt_pkey;
ALTER TABLE receipt ADD PRIMARY KEY (id, account);
