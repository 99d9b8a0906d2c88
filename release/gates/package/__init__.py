"""The gate `package`: what is about to be uploaded, opened, compared with what it says of itself, and installed."""
