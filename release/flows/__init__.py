"""The recipes of Git Flow, each as it reads in the documentation."""
