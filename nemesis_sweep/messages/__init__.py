"""What is said to a user: problems and errors, counted words, text that a terminal can show, no passwords."""
