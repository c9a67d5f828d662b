"""Commands that draw pictures: operators side by side, a card for each, and your own through a trained run."""
