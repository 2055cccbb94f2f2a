"""Where a person decides: referred applications, appeals, and the record of every decision."""
