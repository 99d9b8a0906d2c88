"""A folder for the path of other interpreters: nothing else may lie here."""
