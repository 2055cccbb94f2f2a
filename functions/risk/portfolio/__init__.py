"""Risk indicators in five layers: applicant, account, transaction, merchant, portfolio."""
