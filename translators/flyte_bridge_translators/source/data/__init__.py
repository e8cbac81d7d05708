"""Values of Flyte 1's data types, and the annotations that name them."""
