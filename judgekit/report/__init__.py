"""What people look at: documents, reports, pictures."""
