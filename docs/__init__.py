"""What is written for people, and what writes the generated part of it."""
