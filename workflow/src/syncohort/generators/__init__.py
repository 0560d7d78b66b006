"""What all generators of latents share."""
