"""Exact solutions, shared by checks, tests, examples and users; one noun a file, plain functions of arrays."""
