"""A stand-in for the package that Google Colab has, so that its tests need no Colab."""
