"""What everybody may know of the embedded backend without being it: what it can run, and of which size."""
