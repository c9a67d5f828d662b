"""What the numbers say: tables, statistics, comparisons, the answer."""
