"""Provenance: of what, by whom and how the files of a release were made, signed for those who fetch them."""
