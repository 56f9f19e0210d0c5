"""The guestbook, and the pages around it."""
