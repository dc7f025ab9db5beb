"""Analysis of models; begins with a later release."""
