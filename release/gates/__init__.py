"""Gates: nox sessions on a clean checkout of the commit that would be tagged, and the receipts of what they found."""
