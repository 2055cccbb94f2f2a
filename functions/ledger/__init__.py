"""The books: postings, balances, periods, and a Merkle log that shows tampering."""
