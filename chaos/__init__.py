"""A seeded campaign of faults against the whole fleet: nothing lost, nothing doubled, nothing left behind."""
