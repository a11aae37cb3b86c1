"""What lasts: the lock (choices), the journal (money), the store (bytes), the index of takes."""
