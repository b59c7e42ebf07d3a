"""What the course uses of Google Colab's own package."""
