"""What can be said of the zoo and of an installation without training: the catalogue, the doctor."""
