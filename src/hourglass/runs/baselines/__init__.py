"""What a run is to be held against: computed on its own split, and as people read it."""
