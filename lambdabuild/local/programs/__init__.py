"""What calls start: built on demand, with their variables and the credentials of the caller."""
