"""Images: where they come from, how they are split, batched and corrupted."""
