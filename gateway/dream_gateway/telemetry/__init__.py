"""Gathers what the workers of a node measure, where one of them can tell it all."""
