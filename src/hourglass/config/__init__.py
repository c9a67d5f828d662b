"""The configuration: composed, checked, identified, and turned into parts. No torch until parts are built."""
