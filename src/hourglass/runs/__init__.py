"""One run and its folder: from the first step to what is read of it later."""
