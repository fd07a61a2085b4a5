"""Rows in and out: items, labels, graded rows; strict, streaming."""
