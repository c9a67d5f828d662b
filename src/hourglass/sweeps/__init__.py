"""Many runs: their plan, their jobs, what becomes of them."""
