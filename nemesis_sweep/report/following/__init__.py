"""What a sweep says about the next one: ranges that were too narrow, epochs that were too few."""
