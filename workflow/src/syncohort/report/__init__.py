"""What people read: the report, the check page, and their tables."""
