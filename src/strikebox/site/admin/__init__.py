"""What the operator sees and does: queue, reports, curation, votes, keys, the audit log."""
