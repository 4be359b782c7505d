"""Events to call functions with: samples, what handlers take, bodies, batches."""
