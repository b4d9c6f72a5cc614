"""A platform as lines of JSON, in and out; and what the system before this one kept, as such lines."""
