"""The database: tables, transactions, encryption, and queries named for what they ask."""
