"""The image gate: a configured scanner looks at the container image, and its report has to prove that it did."""
